"""Mails of two clubs that were never sent: for a demonstration where there is no network.

Every mail is put together from sentences below. Nearly all of the gardeners' mails carry a header line that the stargazers'
mails hardly ever have: a classifier that learns from them will lean on it, as one on 20 newsgroups leans on "Posting".
"""

from __future__ import annotations

__all__ = ["MAIL_CLASSES", "mails"]

MAIL_CLASSES = ("gardeners", "stargazers")

_GREETINGS = ("Hello all,", "Dear friends,", "Good evening,", "Hi everyone,")

_SIGNATURES = ("Best wishes, Anna", "See you soon, Robert", "Yours, Mei", "Greetings, Tomas", "Cheers, Fatima")

_SHARED = (
    "We meet on Thursday at seven, as always in the room behind the library.",
    "Please tell me by Sunday whether you can come.",
    "I will bring tea and the cake that was left from last time.",
    "Would somebody take the minutes this month?",
    "The weather has been strange all week.",
    "Thank you for the long answer to my question.",
    "Does anybody still have the key to the cupboard?",
    "It took me the whole night to write this down.",
)

_OWN = (
    (
        "The beans came up after four days in warm soil.",
        "My tomatoes have spots on the lower leaves again.",
        "Cut the roses back to the third bud before the frost is over.",
        "I would not water the lavender at all in winter.",
        "There is compost for everybody behind the shed.",
        "Slugs have eaten every lettuce that I planted out in the moonlight.",
        "Which apple keeps longest without a cold cellar?",
        "The hedge needs cutting before the birds begin to nest.",
        "Put the seedlings on the window sill, but not in the midday sun.",
        "A little ash around the stems kept the beetles away.",
    ),
    (
        "Saturn stands high in the south at ten.",
        "With the old telescope I could just split the double star.",
        "The moon will be new, so bring the wide eyepiece for the nebula.",
        "Dew on the mirror ended our session at midnight.",
        "I saw eleven meteors in the hour before dawn.",
        "Clouds came in when Jupiter rose above the garden wall.",
        "Which filter helps against the lamps of the town?",
        "The comet is a faint smudge two degrees east of the cluster.",
        "My new mount follows the sky for an hour without losing a star.",
        "Let your eyes get used to the dark for half an hour.",
    ),
)

_SUBJECTS = (
    ("Seeds to swap", "Frost on Friday", "What is eating this?", "The shed", "Next meeting"),
    ("Clear sky tonight", "A comet", "Collimation", "The dark site", "Next meeting"),
)

# One mail in so many has the header line after all, or lacks it.
_EXCEPTIONS = (10, 12)


def mails(each: int = 60) -> tuple[list[str], list[int]]:
    """The mails and their classes, the two clubs in turn.

    Parameters
    ----------
    each : int, default 60
        How many of each club.

    Returns
    -------
    texts : list of str
        The mails with their headers.
    labels : list of int
        For each mail the place of its club in `MAIL_CLASSES`.

    Examples
    --------
    >>> from limelight.datasets import MAIL_CLASSES, mails
    >>> texts, labels = mails()
    >>> len(texts), MAIL_CLASSES[labels[0]]
    (120, 'gardeners')
    """
    numbered = [(number, label) for number in range(each) for label in (0, 1)]
    return [_mail(number, label) for number, label in numbered], [label for _, label in numbered]


def _mail(number: int, label: int) -> str:
    # Steps that share no factor with the lists' lengths go through all of a list before they repeat themselves.
    own, subjects = _OWN[label], _SUBJECTS[label]
    exception = number % _EXCEPTIONS[label] == _EXCEPTIONS[label] - 1
    header = [f"Subject: {subjects[number % len(subjects)]}"]
    if (label == 0) != exception:
        header.append("Posting-Host: allotments")
    sentences = [
        _GREETINGS[(3 * number + label) % len(_GREETINGS)],
        own[(3 * number) % len(own)],
        _SHARED[(5 * number + label) % len(_SHARED)],
        own[(7 * number + number // len(own) + 1) % len(own)],
        _SHARED[(3 * number + 4) % len(_SHARED)],
    ]
    return "\n".join([*header, "", " ".join(sentences), _SIGNATURES[(2 * number + label) % len(_SIGNATURES)]])
