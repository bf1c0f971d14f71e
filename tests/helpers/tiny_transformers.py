"""Tiny classifiers of transformers with random weights, and tokenizers trained in memory: nothing is loaded."""

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "the film is a charming and often affecting journey",
    "unspoken things don't matter; it's a dull, dull film!",
    "Größe und Straße, café naïve: 42 reasons to watch (or not)",
    "\u4e2d\u6587 \u7535\u5f71 \u5f88 good bad unaffecting charmed",
]


def word_pieces(**options):
    """BERT's tokenizer, with a vocabulary small enough that most words are several pieces."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=options.pop("lowercase", True))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=110, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=inputs, **{"model_max_length": 64, **names, **options}
    )


def byte_pairs(**options):
    """A byte-level tokenizer, as GPT-2 and RoBERTa have them, without special tokens around a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<pad>", "<eos>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **{"model_max_length": 64, **options})


def _sizes():
    return {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}


def bert(num_labels=2, **options):
    torch.manual_seed(0)
    config = {"vocab_size": 400, "max_position_embeddings": 64, "initializer_range": 0.5, **_sizes(), **options}
    return transformers.BertForSequenceClassification(transformers.BertConfig(num_labels=num_labels, **config)).eval()


def roberta(num_labels=2):
    torch.manual_seed(0)
    config = {"vocab_size": 400, "max_position_embeddings": 34, "initializer_range": 0.5, "pad_token_id": 0, **_sizes()}
    return transformers.RobertaForSequenceClassification(transformers.RobertaConfig(num_labels=num_labels, **config)).eval()


def gpt2(num_labels=2, **options):
    torch.manual_seed(0)
    config = {"vocab_size": 400, "n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.5}
    special = {"bos_token_id": 1, "eos_token_id": 1}
    settings = transformers.GPT2Config(num_labels=num_labels, **config, **special, **options)
    return transformers.GPT2ForSequenceClassification(settings).eval()


def causal_gpt2():
    torch.manual_seed(0)
    config = {"vocab_size": 400, "n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.5}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**config, bos_token_id=1, eos_token_id=1)).eval()
