"""Small data sets for examples, made of formulas and ready sentences; nothing is downloaded.

mails                        mails of two clubs, for text classification
cylinders_bells_and_funnels  series of three shapes
chords, Semitones            sounds in major and minor, and their parts
"""

from limelight.datasets._mails import MAIL_CLASSES, mails
from limelight.datasets._signals import Semitones, chords, cylinders_bells_and_funnels

__all__ = ["MAIL_CLASSES", "Semitones", "chords", "cylinders_bells_and_funnels", "mails"]
