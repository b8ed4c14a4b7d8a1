/* What is learned of a taste while browsing: a click or key on a picture, a download, a long look. Never a chore. */
(() => {
  "use strict";
  const tell = (body) =>
    fetch("/media/taste/react", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null); // browsing goes on when the studio is away

  const seconds = () => (looking.id ? Math.min(600, (Date.now() - looking.since) / 1000) : null);
  const react = async (button) => {
    const { id, react: reaction } = button.dataset;
    const answer = await tell({ picture: id, reaction, seconds: looking.id === id ? seconds() : null });
    if (!answer) return;
    for (const other of document.querySelectorAll(`.k-react[data-id="${id}"]`)) {
      other.setAttribute("aria-pressed", String(answer.said.includes(other.dataset.react)));
    }
    if (reaction === "hide") {
      document.querySelector('.k-modal [data-do="close"]')?.click();
      for (const tile of document.querySelectorAll(`.k-tile[data-id="${id}"], .k-result[data-id="${id}"]`)) tile.remove();
    }
    if (looking.id === id) looking.told = true; // a look with another word is no word of its own
  };
  addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-react]");
    if (button) return react(button);
    const saved = event.target.closest?.('a[download][href^="/media/pictures/"]');
    if (saved) tell({ picture: saved.getAttribute("href").match(/pictures\/([^./]+)/)[1], reaction: "download", seconds: null });
  });
  addEventListener("keydown", (event) => {
    const modal = document.querySelector(".k-modal[data-picture]");
    if (!modal || /INPUT|TEXTAREA/.test(event.target.tagName) || event.ctrlKey || event.metaKey) return;
    const reaction = { l: "like", s: "skip", m: "more" }[event.key];
    if (reaction) modal.querySelector(`[data-react="${reaction}"]`)?.click();
  });

  // How long a picture was looked at in its dialog
  const looking = { id: "", since: 0, told: false };
  const watch = () => {
    const id = document.querySelector(".k-modal[data-picture]")?.dataset.picture ?? "";
    if (id === looking.id) return;
    if (looking.id && !looking.told && seconds() >= 1) tell({ picture: looking.id, reaction: "look", seconds: seconds() });
    Object.assign(looking, { id, since: Date.now(), told: false });
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver(watch).observe(document.body, { subtree: true, childList: true }));

  // With and without the taste, one slider; in the dialog the two pictures are its ends
  const fade = (slider) => {
    const place = slider.closest(".k-result, .k-detail");
    place?.style.setProperty("--k-shown", `${slider.value}%`);
    for (const end of place?.querySelectorAll("[data-between-at]") ?? []) {
      end.setAttribute("aria-pressed", String(end.dataset.betweenAt === slider.value));
    }
  };
  addEventListener("input", (event) => {
    if (event.target.matches?.("[data-between]")) fade(event.target);
  });
  addEventListener("click", (event) => {
    const end = event.target.closest?.("[data-between-at]");
    const slider = end?.closest(".k-beside").querySelector("[data-between]");
    if (!slider) return;
    slider.value = end.dataset.betweenAt;
    fade(slider);
  });
})();
