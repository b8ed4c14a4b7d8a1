"""How good a drawn picture is: its likeness to a subject, and its agreement with a prompt."""
