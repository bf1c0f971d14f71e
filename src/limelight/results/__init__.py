"""One explanation as plain frozen data; lists, frames, texts and pictures are functions of it."""
