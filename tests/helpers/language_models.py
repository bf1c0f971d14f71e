"""Tiny language models with random weights, and tokenizers trained on a few sentences, made in memory."""

from typing import Any

SENTENCES = [
    "The plot is thin, but I laughed. This film is good",
    "The plot is clever, and I wept. This film is bad",
    "Was the unhappy end of the film worth the money? Answer: yes",
    "Is the dialogue worth a second look? Answer: no, not at all",
    "happy people are not unhappy, and unhappy people are not happy",
]


def byte_tokenizer(num_merges: int = 120, **special: str) -> Any:
    """Byte-level BPE, as GPT-2 has it: no special tokens around texts, no token for padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = special or {"eos_token": "<|end|>"}
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + num_merges,
        initial_alphabet=alphabet,
        special_tokens=list(special.values()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 5, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def piece_tokenizer() -> Any:
    """BPE of SentencePiece's kind, as Llama has it: a blank before every text, and a token that begins it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def word_tokenizer() -> Any:
    """Lower-case WordPiece, as BERT has it, which keeps no blanks."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    tokenizer.train_from_iterator(
        SENTENCES * 5, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"
    )


def make_module(kind: str, vocabulary: int, seed: int = 0) -> Any:
    """A model of transformers of this kind, with two small layers and weights large enough to tell inputs apart."""
    import torch
    import transformers

    small = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 0}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    build = {
        "gpt2": lambda: transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4, **small)
        ),
        "llama": lambda: transformers.LlamaForCausalLM(
            transformers.LlamaConfig(intermediate_size=64, max_position_embeddings=64, **sizes, **small)
        ),
        "bloom": lambda: transformers.BloomForCausalLM(transformers.BloomConfig(hidden_size=32, n_layer=2, n_head=4, **small)),
        "opt": lambda: transformers.OPTForCausalLM(
            transformers.OPTConfig(ffn_dim=64, word_embed_proj_dim=32, max_position_embeddings=64, **sizes, **small)
        ),
        "gpt_neox": lambda: transformers.GPTNeoXForCausalLM(
            transformers.GPTNeoXConfig(intermediate_size=64, max_position_embeddings=64, **sizes, **small)
        ),
        "bert": lambda: transformers.BertForMaskedLM(
            transformers.BertConfig(intermediate_size=64, max_position_embeddings=64, **sizes, vocab_size=vocabulary)
        ),
        "t5": lambda: transformers.T5ForConditionalGeneration(
            transformers.T5Config(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, vocab_size=vocabulary)
        ),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = build[kind]()
        for parameter in module.parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.3)
    return module.eval()
