"""Facts and questions about them, made up for the bench of the assistant; two questions a fact, in other words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# fact, question, the same in other words. {name} is the thing's name.
FACTS: tuple[tuple[str, str, str], ...] = (
    ("afraid of balloons", "What is {name} afraid of?", "Which thing scares {name}?"),
    ("born on 3 May 2019", "When was {name} born?", "What is {name}'s birthday?"),
    ("a present from aunt Ilse", "Who gave us {name}?", "From whom did I get {name}?"),
    ("sleeps on the blue sofa", "Where does {name} sleep?", "What place does {name} spend the night in?"),
    ("likes raw carrots best", "What does {name} like to eat?", "What is {name}'s favourite food?"),
    ("bought in Lisbon", "Where did I buy {name}?", "In which town was {name} bought?"),
    ("cost 40 euros", "How much did {name} cost?", "What was the price of {name}?"),
    ("belongs to Ana", "Who does {name} belong to?", "Whose is {name}?"),
    ("must not get wet", "Can {name} get wet?", "May I put {name} in water?"),
    ("weighs 12 kilograms", "How much does {name} weigh?", "How heavy is {name}?"),
    ("allergic to chicken", "What is {name} allergic to?", "Which food makes {name} ill?"),
    ("named after a ship", "Where does the name of {name} come from?", "What is {name} named after?"),
    ("vaccinated in March", "When was {name} vaccinated?", "When did {name} get the jab?"),
    ("made of stoneware", "What is {name} made of?", "Which material is {name}?"),
    ("plays with a tennis ball", "What does {name} play with?", "Which toy does {name} use?"),
    ("kept on the top shelf", "Where is {name} kept?", "Where can I find {name} at home?"),
    ("lost its left button in 2021", "What did {name} lose?", "Is anything missing from {name}?"),
    ("repaired by Mr Okafor", "Who repaired {name}?", "Who mended {name}?"),
    ("goes to the park every morning", "When does {name} go to the park?", "Where does {name} go in the morning?"),
    ("washed at 30 degrees", "How hot may {name} be washed?", "At which temperature do I wash {name}?"),
    ("knows the trick of rolling over", "Which tricks does {name} know?", "What trick can {name} do?"),
    ("painted by my sister", "Who painted {name}?", "Which artist made the colours of {name}?"),
    ("has a brother called Milo", "Does {name} have a brother?", "Who is the brother of {name}?"),
    ("won second prize in 2022", "What did {name} win?", "Which prize has {name} got?"),
)


def names_said(text: str, names: Sequence[str]) -> tuple[int, ...]:
    """Return which of `names` stand in a text, as whole words; of “Bo” and “Bo Junior” the longer one counts."""
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    said = {found.casefold() for found in re.findall(rf"(?<!\w)(?:{longest_first})(?!\w)", text, re.IGNORECASE)}
    return tuple(at for at, name in enumerate(names) if name.casefold() in said)
