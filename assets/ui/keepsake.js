/* What gradio does not do by itself: light and dark, links to tabs, names while writing, following a job, dialogs. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

  // Light and dark: the visitor's choice, else the system's. gradio sets its own class; ours wins.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (localStorage.getItem("keepsake-light") ?? (system.matches ? "dark" : "light")) === "dark";
  const paint = () => {
    document.documentElement.classList.toggle("k-dark", isDark());
    if (document.body && document.body.classList.contains("dark") !== isDark()) document.body.classList.toggle("dark", isDark());
  };
  const switchLight = () => {
    localStorage.setItem("keepsake-light", isDark() ? "light" : "dark");
    paint();
  };
  paint();
  system.addEventListener("change", paint);

  // Tabs and the address
  const tabButton = (id) => $(`#tabs > .tab-wrapper [role="tab"][data-tab-id="${CSS.escape(id)}"]`);
  const goTo = (id) => {
    const button = tabButton(id);
    if (button && button.getAttribute("aria-selected") !== "true") button.click();
    return Boolean(button);
  };
  const keepAddress = () => {
    const tab = $('#tabs > .tab-wrapper [role="tab"][aria-selected="true"]');
    const id = tab?.dataset.tabId;
    if (!id || location.hash === `#${id}`) return;
    history.replaceState(null, "", `#${id}`);
    const row = tab.parentElement; // on a phone it may be longer than the screen is wide
    row.scrollTo({ left: tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2, behavior: "smooth" });
  };
  addEventListener("hashchange", () => goTo(location.hash.slice(1)));

  // Values of gradio's fields change as if they were typed
  const promptBox = () => $("#prompt textarea");
  const askBox = () => $("#ask textarea");
  const type = (field, value) => {
    const prototype = field.tagName === "TEXTAREA" ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
    Object.getOwnPropertyDescriptor(prototype, "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const appeared = async (selector) => {
    for (let waited = 0; waited < 5000 && !$(selector); waited += 30) await new Promise((done) => setTimeout(done, 30));
    return $(selector);
  };
  const writePrompt = async (text) => {
    goTo("create");
    const box = await appeared("#prompt textarea");
    type(box, text);
    box.focus();
    box.setSelectionRange(text.length, text.length);
    box.scrollIntoView({ block: "center" });
  };

  // What a button of ours does: some things happen here, the rest is an event of its gradio component
  const here = {
    fill: (button) => writePrompt(button.dataset.text),
    draw: (button) => {
      const now = (promptBox()?.value ?? "").trim();
      const name = `@${button.dataset.handle}`;
      writePrompt(now.split(/\s+/).includes(name) ? now : `${now ? `${now} ` : "a happy "}${name} `);
    },
    kind: (button) => type($("#concept-kind input, #concept-kind textarea"), button.dataset.kind),
    seed: (button) => {
      type($("#seed input"), button.dataset.seed);
      const more = $("#more > button.label-wrap");
      if (more && !more.classList.contains("open")) more.click();
    },
    asking: (button) => {
      const box = askBox();
      const end = button.dataset.text.replace(/…$/, "");
      type(box, end);
      box.focus();
      box.setSelectionRange(end.length, end.length);
    },
    copy: async (button) => {
      await navigator.clipboard?.writeText(button.dataset.text).catch(() => null);
      button.textContent = navigator.clipboard ? "Copied" : "Copying is not possible here";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    },
    go: (button) => goTo(button.dataset.tab),
    more: () => $("#photos input[type=file]").click(),
    light: switchLight,
  };
  const events = { open: "select", edit: "edit", forget: "delete", delete: "delete", stop: "stop", again: "retry", alike: "apply", close: "clear", over: "clear", dismiss: "clear", without: "undo", not: "undo", is: "apply", remember: "like", keep: "apply", discard: "undo", unfold: "expand" };

  // A conversation is read at its end: go there when something was said
  const followThread = (element) => {
    const turns = element.querySelectorAll(".k-turn");
    const grown = turns.length > Number(element.dataset.turns ?? 0);
    element.dataset.turns = turns.length;
    if (grown && turns.length > 1) requestAnimationFrame(() => turns[turns.length - 1].scrollIntoView({ behavior: "smooth", block: "nearest" }));
  };

  let deleted = null;
  const mount = (element, trigger, watch) => {
    element.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-do]");
      if (!button) return;
      const action = button.dataset.do;
      if (here[action]) return here[action](button);
      if (action === "unfold" && button.parentElement.open) return; // it is being closed
      const said = button.dataset.confirm ? await ask(button.dataset) : { also: false };
      if (!said) return;
      if (action === "stop") button.disabled = true;
      if (action === "delete") deleted = button.dataset.id;
      trigger(events[action], { id: button.dataset.id ?? "", also: said.also });
    });
    element.addEventListener("change", (event) => {
      const slider = event.target.closest("input[data-lean]");
      if (slider) trigger("edit", { id: `${slider.dataset.lean}=${slider.value}` });
    });
    const changed = () => {
      // the dialog closes when its picture is deleted; where it was just drawn it is still shown
      if (deleted && !$("[data-picture]")) $(`.k-result[data-id="${deleted}"]`)?.remove();
      followThread(element);
      const job = $("[data-job]", element);
      if (job && !job.dataset.followed) follow(job, trigger);
    };
    watch("value", changed);
    changed();
  };

  // A moving sticker takes the place of the one at rest when it has come; such news never reaches the window
  document.addEventListener("load", (event) => {
    if (event.target.matches?.("img.k-moving") && event.target.checkVisibility()) event.target.previousElementSibling?.remove();
  }, true);

  // A job: ask how far it is, show it, tell the component when it has ended
  const spoken = (seconds) => {
    if (seconds === null) return "";
    if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
    return `about ${Math.round(seconds / 60)} min left`;
  };
  const showJob = async (card, job) => {
    const share = Math.round(job.share * 100);
    $(".k-stitches", card).setAttribute("aria-valuenow", share);
    $(".k-stitches i", card).style.width = `${share}%`;
    $(".k-job-left", card).textContent = spoken(job.seconds_left);
    const ahead = job.position === 1 ? "1 job is before this one" : `${job.position} jobs are before this one`;
    $(".k-job-message", card).textContent = job.status === "queued" && job.position ? ahead : job.message;
    const picture = $(".k-preview", card);
    if (!picture || !job.preview || picture.dataset.shown === job.preview) return;
    const next = new Image();
    next.src = job.preview;
    await next.decode().catch(() => null); // a preview that is gone again is no loss
    if (!next.naturalWidth) return;
    picture.src = picture.dataset.shown = job.preview;
    picture.hidden = false;
    $(".k-frame-wait", card).hidden = true;
    $(".k-frame-wait", card).style.display = "none";
  };
  const follow = async (card, trigger) => {
    const id = card.dataset.job;
    card.dataset.followed = "yes";
    if (card.classList.contains("is-framed") && innerWidth <= 900) card.scrollIntoView({ behavior: "smooth", block: "start" });
    while (card.isConnected && card.dataset.job === id) {
      try {
        const answer = await fetch(`/media/jobs/${id}`);
        if (answer.status === 404) return trigger("end", { id }); // the studio was restarted
        if (!answer.ok) throw new Error(answer.statusText);
        const job = await answer.json();
        if (job.ended) return trigger("end", { id });
        await showJob(card, job);
      } catch {
        $(".k-job-message", card).textContent = "The studio does not answer. Trying again…";
      }
      await new Promise((done) => setTimeout(done, document.hidden ? 1500 : 350));
    }
  };

  // Dialogs: gradio's toasts have to stay above them, so these are not of the browser's top layer
  const openModal = () => [...document.querySelectorAll(".k-modal")].filter((modal) => modal.offsetParent !== null || modal.getClientRects().length).pop();
  const reachable = (modal) => [...modal.querySelectorAll("button, a[href], input, textarea, select")].filter((one) => one.getClientRects().length && !one.disabled);
  let cameFrom = null;
  let opened = null;
  const closeModal = (modal) => $('[data-do="close"], .k-modal-close, .k-no', modal)?.click();
  const ask = (words) => new Promise((answer) => {
    const modal = make("div", "k-modal");
    modal.setAttribute("role", "alertdialog");
    modal.setAttribute("aria-modal", "true");
    modal.setAttribute("aria-label", words.confirm);
    const sheet = make("div", "k-sheet k-ask");
    const actions = make("div", "k-ask-actions");
    const no = make("button", "k-button k-no", "Keep");
    const yes = make("button", "k-button k-yes", words.confirmYes);
    actions.append(no, yes);
    sheet.append(make("h2", "", words.confirm), make("p", "", words.confirmLine));
    const also = Object.assign(make("input", ""), { type: "checkbox" });
    if (words.confirmAlso) {
      const label = make("label", "k-ask-also");
      label.append(also, words.confirmAlso);
      sheet.append(label);
    }
    sheet.append(actions);
    modal.append(sheet);
    const end = (said) => { modal.remove(); answer(said); };
    no.addEventListener("click", () => end(false));
    yes.addEventListener("click", () => end({ also: also.checked }));
    $(".gradio-container").append(modal);
    no.focus();
  });
  addEventListener("keydown", (event) => {
    const modal = openModal();
    if (!modal) return;
    if (event.key === "Escape") return closeModal(modal);
    if (["ArrowLeft", "ArrowRight"].includes(event.key) && modal.dataset.picture && !/INPUT|TEXTAREA/.test(event.target.tagName)) {
      const all = [...document.querySelectorAll('[role="tabpanel"] [data-do="open"]')].filter((one) => one.getClientRects().length);
      const at = all.findIndex((one) => one.dataset.id === modal.dataset.picture);
      all[at + (event.key === "ArrowRight" ? 1 : -1)]?.click();
    }
    if (event.key !== "Tab") return;
    const stops = reachable(modal);
    const at = stops.indexOf(document.activeElement);
    const next = event.shiftKey ? at - 1 : at + 1;
    if (at < 0 || next < 0 || next >= stops.length) {
      event.preventDefault();
      stops.at(event.shiftKey ? -1 : 0)?.focus();
    }
  });
  addEventListener("pointerdown", (event) => {
    if (event.target.classList?.contains("k-modal")) closeModal(event.target);
  });
  const watchModals = () => {
    const modal = openModal() ?? null;
    if (modal === opened) return;
    document.documentElement.style.overflow = modal ? "hidden" : "";
    if (modal && !opened) cameFrom = document.activeElement;
    opened = modal;
    if (modal && !modal.contains(document.activeElement)) reachable(modal)[0]?.focus({ preventScroll: true });
    if (!modal && cameFrom?.isConnected) cameFrom.focus({ preventScroll: true });
  };

  // Names while a prompt is written
  const mentions = { list: null, box: null, found: [], at: 0, start: 0 };
  const closeMentions = () => {
    mentions.list?.remove();
    mentions.list = null;
    mentions.box?.removeAttribute("aria-activedescendant");
    mentions.box?.setAttribute("aria-expanded", "false");
  };
  const choose = (concept) => {
    const { box, start } = mentions;
    const after = box.value.slice(box.selectionStart).replace(/^[\p{L}\p{N}-]*/u, "");
    const text = `${box.value.slice(0, start)}@${concept.handle}${/^[\s.,;:!?]/.test(after) ? "" : " "}`;
    type(box, text + after);
    box.focus();
    box.setSelectionRange(text.length, text.length);
    closeMentions();
  };
  const mark = (at) => {
    mentions.at = (at + mentions.found.length) % mentions.found.length;
    [...mentions.list.children].forEach((row, number) => {
      row.setAttribute("aria-selected", String(number === mentions.at));
      if (number === mentions.at) row.scrollIntoView({ block: "nearest" });
    });
    mentions.box.setAttribute("aria-activedescendant", `k-mention-${mentions.at}`);
  };
  const row = (concept, number) => {
    const item = make("li", "");
    item.id = `k-mention-${number}`;
    item.setAttribute("role", "option");
    const frame = make("span", "k-frame k-gingham");
    frame.append(Object.assign(new Image(), { src: concept.cover, alt: "" }));
    item.append(frame, make("span", "k-tape", `@${concept.handle}`), make("span", "", concept.kind));
    item.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(concept); });
    return item;
  };
  const showMentions = async (box) => {
    const before = box.value.slice(0, box.selectionStart);
    const typed = before.match(/(?:^|[^\p{L}\p{N}._%+-])@([\p{L}\p{N}-]*)$/u);
    if (!typed) return closeMentions();
    const all = await fetch("/media/concepts").then((answer) => answer.json()).catch(() => []);
    if (box.value.slice(0, box.selectionStart) !== before) return; // typed on meanwhile
    const start = typed[1].toLowerCase();
    closeMentions();
    mentions.found = all.filter((one) => one.handle.startsWith(start) || [one.name, ...one.aliases].some((name) => name.toLowerCase().includes(start)));
    Object.assign(mentions, { box, start: before.length - typed[1].length - 1, list: make("ul", "k-mentions") });
    mentions.list.id = "k-mentions";
    mentions.list.setAttribute("role", "listbox");
    mentions.list.setAttribute("aria-label", "Your concepts");
    if (mentions.found.length) mentions.list.append(...mentions.found.map(row));
    else mentions.list.append(make("li", "k-none", all.length ? "No concept is called that." : "No concepts yet. Add one on the Concepts page."));
    box.closest("#prompt, #ask").append(mentions.list);
    box.setAttribute("aria-expanded", "true");
    if (mentions.found.length) mark(0);
  };
  const mentionKeys = (event) => {
    if (!mentions.list) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    const picks = event.key === "Enter" || event.key === "Tab";
    if (event.key !== "Escape" && !(mentions.found.length && (picks || moves[event.key]))) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") closeMentions();
    else if (picks) choose(mentions.found[mentions.at]);
    else mark(mentions.at + moves[event.key]);
  };
  // gradio builds a tab when it is opened for the first time
  const prepare = () => {
    for (const box of [promptBox(), askBox()]) {
      if (box && box.getAttribute("role") !== "combobox") preparePrompt(box);
    }
    for (const photos of document.querySelectorAll(":is(#photos, #scene-photos, #card-add, #ask) input[type=file]")) {
      if (!photos.accept) photos.accept = "image/*,.heic,.heif";
    }
  };
  const preparePrompt = (box) => {
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "k-mentions" };
    Object.entries(roles).forEach(([name, value]) => box.setAttribute(name, value));
    box.addEventListener("input", () => showMentions(box));
    box.addEventListener("keydown", mentionKeys, true);
    box.addEventListener("keydown", (event) => {
      if (box === promptBox() && event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("#draw").click();
    });
    box.addEventListener("blur", closeMentions);
  };

  // The beginning: our own opening until the pages stand
  const opening = () => {
    const veil = make("div", "");
    veil.id = "k-opening";
    veil.innerHTML = '<div><img src="/look/logo.svg" alt="Keepsake is opening"><div class="k-stitches"><i></i></div></div>';
    document.body.append(veil);
    return veil;
  };
  addEventListener("DOMContentLoaded", () => {
    const veil = opening();
    paint();
    new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
    const begin = setInterval(() => {
      if (!tabButton("create")) return;
      clearInterval(begin);
      if (!goTo(location.hash.slice(1))) goTo(document.head.dataset.start);
      const changes = { subtree: true, childList: true, attributeFilter: ["class", "style", "aria-selected"] };
      new MutationObserver(() => { prepare(); watchModals(); keepAddress(); }).observe($(".gradio-container"), changes);
      prepare();
      setTimeout(() => veil.classList.add("is-gone"), 90);
      setTimeout(() => veil.remove(), 500);
    }, 40);
  });

  window.keepsake = { mount };
})();
