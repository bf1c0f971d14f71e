"""Invented mails of two clubs, for demonstrations without a network.

Every mail is put together from the sentences below. Nearly all of the gardeners' mails have a header line that the stargazers'
mails hardly ever have. A classifier relies on it, as one trained on 20 newsgroups relies on "Posting".
"""

from __future__ import annotations

from limelight._checks import check_count

__all__ = ["MAIL_CLASSES", "mails"]

MAIL_CLASSES = ("gardeners", "stargazers")

_GREETINGS = ("Hello all,", "Dear friends,", "Good evening,", "Hi everyone,")

_SIGNATURES = ("Best wishes, Anna", "See you soon, Robert", "Yours, Mei", "Greetings, Tomas", "Cheers, Fatima")

_SHARED_SENTENCES = (
    "We meet on Thursday at seven, as always in the room behind the library.",
    "Please tell me by Sunday whether you can come.",
    "I will bring tea and the cake that was left from last time.",
    "Would somebody take the minutes this month?",
    "The weather has been strange all week.",
    "Thank you for the long answer to my question.",
    "Does anybody still have the key to the cupboard?",
    "It took me the whole night to write this down.",
)

_SENTENCES_OF_CLUB = (
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

_SUBJECTS_OF_CLUB = (
    ("Seeds to swap", "Frost on Friday", "What is eating this?", "The shed", "Next meeting"),
    ("Clear sky tonight", "A comet", "Collimation", "The dark site", "Next meeting"),
)

# One mail in this many is an exception: a gardener's without the header line, a stargazer's with it.
_MAILS_PER_EXCEPTION = (10, 12)


def mails(each: int = 60) -> tuple[list[str], list[int]]:
    """Make mails of two clubs, which take turns.

    Parameters
    ----------
    each : int, default 60
        The number of mails of each club.

    Returns
    -------
    texts : list of str
        The mails with their headers.
    labels : list of int
        The index of each mail's club in `MAIL_CLASSES`.

    Examples
    --------
    >>> from limelight.datasets import MAIL_CLASSES, mails
    >>> texts, labels = mails()
    >>> len(texts), MAIL_CLASSES[labels[0]]
    (120, 'gardeners')
    """
    each = check_count("each", each, 1)
    numbered = [(number, label) for number in range(each) for label in (0, 1)]
    return [_write_mail(number, label) for number, label in numbered], [label for _, label in numbered]


def _write_mail(number: int, label: int) -> str:
    # Strides without a common factor with a list's length visit the whole list before they repeat an entry.
    own_sentences, subjects = _SENTENCES_OF_CLUB[label], _SUBJECTS_OF_CLUB[label]
    period = _MAILS_PER_EXCEPTION[label]
    is_exception = number % period == period - 1
    header = [f"Subject: {subjects[number % len(subjects)]}"]
    if (label == 0) != is_exception:
        header.append("Posting-Host: allotments")
    sentences = [
        _GREETINGS[(3 * number + label) % len(_GREETINGS)],
        own_sentences[(3 * number) % len(own_sentences)],
        _SHARED_SENTENCES[(5 * number + label) % len(_SHARED_SENTENCES)],
        own_sentences[(7 * number + number // len(own_sentences) + 1) % len(own_sentences)],
        _SHARED_SENTENCES[(3 * number + 4) % len(_SHARED_SENTENCES)],
    ]
    return "\n".join([*header, "", " ".join(sentences), _SIGNATURES[(2 * number + label) % len(_SIGNATURES)]])
