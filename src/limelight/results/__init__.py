"""One explanation: plain frozen data, of which every list, frame, text and picture is a function."""
