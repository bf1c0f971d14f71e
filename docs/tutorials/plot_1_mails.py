"""
A text
======

x
"""

from limelight import TextExplainer

explanation = TextExplainer().explain_instance("cheap pills", lambda texts: ["pills" in text for text in texts])
explanation
