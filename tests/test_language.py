"""Language models: scores of answers against the module itself, asked about one prompt at a time without any padding."""

import copy
import pickle
import re
import sys

import numpy as np
import pytest
from helpers.examples import run_examples

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from helpers.language_models import byte_tokenizer, make_module, piece_tokenizer, word_tokenizer  # noqa: E402

from limelight import Explanations, LanguageModel, TextExplainer  # noqa: E402
from limelight.exceptions import ArgumentError, ArgumentTypeError, MissingDependencyError, ModelError  # noqa: E402

KINDS = ("gpt2", "llama", "bloom", "opt", "gpt_neox")
PROMPT = "The plot is thin, but I laughed. This film is"
PROMPTS = [
    PROMPT,
    "un",
    "Was the end worth the money? Answer:",
    "film",
    "The plot is clever, and I wept. " * 2 + "This film is",
]
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer():
    return byte_tokenizer()


@pytest.fixture
def one_thread():
    """A single thread of torch: several part a product's sums among them, as suits the batch."""
    number = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(number)


@pytest.fixture(scope="module")
def gpt2(tokenizer):
    return make_module("gpt2", len(tokenizer))


def by_hand(module, prompt_ids, answer_ids):
    """The logarithm of each answer token's probability: one pass for each token, of one sequence without padding or cache."""
    logarithms = []
    with torch.inference_mode():
        for place, token in enumerate(answer_ids):
            ids = torch.tensor([[*prompt_ids, *answer_ids[:place]]])
            logits = module(input_ids=ids, use_cache=False).logits[0, -1].double()
            logarithms.append(float(logits[token] - logits.logsumexp(0)))
    return logarithms


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_each_prompt_alone_without_padding(kind, tokenizer):
    module = make_module(kind, len(tokenizer))
    answers = [" good", " bad", " no, not at", " no, yes"]
    model = LanguageModel(module, tokenizer, answers=answers, output="log_prob")
    ids = [tokenizer(answer)["input_ids"] for answer in answers]
    assert [len(one) for one in ids] == [1, 1, 4, 3]
    expected = [[sum(by_hand(module, tokenizer(prompt)["input_ids"], one)) for one in ids] for prompt in PROMPTS]
    assert model(PROMPTS) == pytest.approx(np.array(expected), abs=1e-4)
    assert np.ptp(expected, axis=0).min() > 0.5  # the prompts matter


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_tokens", [1, 64, 4096])
def test_with_one_thread_the_same_bits_whatever_else_is_asked(kind, batch_tokens, tokenizer):
    module = make_module(kind, len(tokenizer))
    settings = {"answers": [" good", " no, not"], "batch_tokens": batch_tokens}
    model = LanguageModel(module, tokenizer, **settings)
    together = LanguageModel(module, tokenizer, **{**settings, "batch_tokens": 4096})(PROMPTS * 3)
    assert np.array_equal(model(PROMPTS[::-1])[::-1], together[: len(PROMPTS)])
    assert np.array_equal(np.concatenate([model([prompt]) for prompt in PROMPTS]), together[: len(PROMPTS)])


def test_log_odds_are_against_the_other_answers(gpt2, tokenizer):
    answers = [" good", " bad", " no, not"]
    p = np.exp(LanguageModel(gpt2, tokenizer, answers=answers, output="log_prob")(PROMPTS))
    odds = LanguageModel(gpt2, tokenizer, answers=answers)
    assert odds.output == "log_odds"
    assert odds(PROMPTS) == pytest.approx(np.log(p / (p.sum(axis=1, keepdims=True) - p)), rel=1e-9)
    two = LanguageModel(gpt2, tokenizer, answers=answers[:2])(PROMPTS)
    assert two[:, 0] == pytest.approx(np.log(p[:, 0] / p[:, 1]), rel=1e-9)
    assert np.array_equal(two[:, 0], -two[:, 1])


def test_tokens_of_an_answer_sum_to_its_score_and_are_named(gpt2, tokenizer):
    answer = " no, not unhappy, no"
    tokens = LanguageModel(gpt2, tokenizer, answers=[answer], output="per_token")
    whole = LanguageModel(gpt2, tokenizer, answers=[answer])
    assert whole.output == "log_prob"
    assert tokens(PROMPTS).sum(axis=1) == pytest.approx(whole(PROMPTS)[:, 0], rel=1e-12)
    ids = tokenizer(answer)["input_ids"]
    assert tokens([PROMPT])[0] == pytest.approx(by_hand(gpt2, tokenizer(PROMPT)["input_ids"], ids), abs=1e-4)
    names = [name.removeprefix("log-probability of ") for name in tokens.outputs.names]
    assert len(set(names)) == len(ids)
    assert [re.sub(r" \(token \d+\)$", "", name) for name in names] == [tokenizer.decode([one]) for one in ids]
    assert names[0] == " no (token 1)"


def test_an_answer_never_shares_a_token_with_its_prompt(gpt2, tokenizer):
    joined = tokenizer("unhappy")["input_ids"]
    prompt, answer = tokenizer("un")["input_ids"], tokenizer("happy")["input_ids"]
    assert joined != prompt + answer  # together they would be other tokens
    score = LanguageModel(gpt2, tokenizer, answers=["happy"])(["un"])
    assert score[0, 0] == pytest.approx(sum(by_hand(gpt2, prompt, answer)), abs=1e-4)


@pytest.mark.parametrize("answer", ["yes", " yes", "yes ", "  yes", " yes\n"])
def test_blanks_of_an_answer_are_scored(answer, gpt2, tokenizer):
    model = LanguageModel(gpt2, tokenizer, answers=[answer])
    ids = tokenizer(answer)["input_ids"]
    assert tokenizer.decode(ids) == answer
    expected = sum(by_hand(gpt2, tokenizer(PROMPT)["input_ids"], ids))
    assert model([PROMPT])[0, 0] == pytest.approx(expected, abs=1e-4)


class TestPieces:
    """SentencePiece's kind: every text by itself begins with a blank; this one has tokens before and behind a text, too."""

    def test_an_answer_has_the_blank_that_it_was_given_and_no_other(self):
        pieces = piece_tokenizer()
        module = make_module("llama", len(pieces))
        vocabulary = pieces.get_vocab()
        begin, *prompt, end = pieces("Answer:")["input_ids"]
        assert (begin, end) == (pieces.bos_token_id, pieces.eos_token_id)
        for answer, tokens in {" yes": ["▁yes"], "yes": ["yes"], "yes ": ["yes", "▁"]}.items():
            ids = [vocabulary[token] for token in tokens]
            score = LanguageModel(module, pieces, answers=[answer])(["Answer:"])
            assert score[0, 0] == pytest.approx(sum(by_hand(module, [begin, *prompt], ids)), abs=1e-4), answer
        assert pieces("yes", add_special_tokens=False)["input_ids"] == [vocabulary["▁yes"]]  # which says " yes" after a prompt

    def test_an_answer_without_tokens_is_refused(self):
        pieces = piece_tokenizer()
        with pytest.raises(ArgumentError, match=r"the tokenizer has no tokens for the answer 'Ж'"):
            LanguageModel(make_module("llama", len(pieces)), pieces, answers=["Ж"])

    def test_a_prompt_without_words_is_the_token_that_begins_texts(self):
        pieces = piece_tokenizer()
        module = make_module("llama", len(pieces))
        score = LanguageModel(module, pieces, answers=[" yes"])([""])
        assert score[0, 0] == pytest.approx(by_hand(module, [pieces.bos_token_id], [pieces.get_vocab()["▁yes"]])[0], abs=1e-4)


class TestWords:
    """WordPiece keeps no blanks and no capitals."""

    def test_a_notice_says_what_it_reads(self):
        words = word_tokenizer()
        model = LanguageModel(make_module("gpt2", len(words)), words, answers=["Yes", " no"])
        (note,) = model.outputs.notes
        assert note.code == "changed_answers"
        assert "'Yes' is read as 'yes'" in note.message
        assert "no'" not in note.message

    def test_the_answer_begins_with_a_word_and_follows_the_prompt_itself(self):
        words = word_tokenizer()
        module = make_module("gpt2", len(words))
        begin, *prompt, end = words("answer:")["input_ids"]
        expected = by_hand(module, [begin, *prompt], [words.get_vocab()["yes"]])
        assert LanguageModel(module, words, answers=["yes"])(["answer:"])[0, 0] == pytest.approx(expected[0], abs=1e-4)
        assert end == words.sep_token_id

    def test_answers_with_the_same_tokens_are_refused(self):
        words = word_tokenizer()
        with pytest.raises(ArgumentError, match=r"answers must differ in the tokenizer's tokens; 'yes', ' Yes' have the same"):
            LanguageModel(make_module("gpt2", len(words)), words, answers=["yes", " Yes"])


def test_a_prompt_without_words_begins_with_the_token_that_ends_texts_if_none_begins_them(gpt2, tokenizer):
    assert tokenizer.bos_token_id is None
    score = LanguageModel(gpt2, tokenizer, answers=[" good"])([""])
    expected = by_hand(gpt2, [tokenizer.eos_token_id], tokenizer(" good")["input_ids"])
    assert score[0, 0] == pytest.approx(expected[0], abs=1e-4)
    plain = byte_tokenizer(unk_token="<unk>")
    with pytest.raises(ArgumentError, match="a prompt has no tokens"):
        LanguageModel(gpt2, plain, answers=[" good"])([""])


class TestChats:
    CHAT = [{"role": "user", "content": "Is the film good?"}]  # noqa: RUF012

    def test_messages_are_written_by_the_tokenizers_own_template(self, gpt2, tokenizer):
        chatty = byte_tokenizer()
        chatty.chat_template = TEMPLATE
        model = LanguageModel(gpt2, chatty, answers=["yes", "no"])
        written = "<user>Is the film good?<assistant>"
        assert np.array_equal(model([self.CHAT, "un"]), model([written, "un"]))
        with pytest.raises(ArgumentError, match="the tokenizer has no chat template"):
            LanguageModel(gpt2, tokenizer, answers=["yes", "no"])([self.CHAT])

    def test_special_tokens_of_the_template_are_the_only_ones(self):
        pieces = piece_tokenizer()
        pieces.chat_template = "<s>{{ messages[0].content }}"
        module = make_module("llama", len(pieces))
        ids = pieces("<s>is the film good", add_special_tokens=False)["input_ids"]
        assert ids.count(pieces.bos_token_id) == 1
        score = LanguageModel(module, pieces, answers=[" yes"])([[{"role": "user", "content": "is the film good"}]])
        assert score[0, 0] == pytest.approx(by_hand(module, ids, [pieces.get_vocab()["▁yes"]])[0], abs=1e-4)

    def test_a_template_that_refuses(self, gpt2):
        chatty = byte_tokenizer()
        chatty.chat_template = "{{ raise_exception('no system role') }}"
        with pytest.raises(ArgumentError, match=r"chat template refuses the messages: \w+: no system role"):
            LanguageModel(gpt2, chatty, answers=["yes", "no"])([self.CHAT])

    def test_a_chat_is_explained_word_by_word(self, gpt2):
        chatty = byte_tokenizer()
        chatty.chat_template = TEMPLATE
        model = LanguageModel(gpt2, chatty, answers=["yes", "no"])
        explanation = TextExplainer().explain_instance(self.CHAT, model)
        assert {name for name, _ in explanation.as_list()} == {"user: Is", "user: the", "user: film", "user: good"}
        assert explanation.predictions[0] == pytest.approx(model([self.CHAT])[0, 0])


def test_an_explanation_names_the_answers_and_finds_them_by_themselves(gpt2, tokenizer):
    model = LanguageModel(gpt2, tokenizer, answers=[" good", " bad"])
    explanation = TextExplainer().explain_instance(PROMPT, model, num_samples=200)
    assert explanation.output_names == ("log-odds of  good", "log-odds of  bad")
    assert explanation.output_kind == "scores"
    good, bad = (dict(explanation.as_list(label)) for label in (" good", " bad"))
    assert good == pytest.approx({word: -weight for word, weight in bad.items()})
    assert explanation.predictions[0] == pytest.approx(model([PROMPT])[0, 0])
    only = TextExplainer().explain_instance(PROMPT, model, labels=[" bad"], num_samples=200)
    assert only.labels == (1,)


def test_logarithms_of_probabilities_are_found_by_the_answer_in_one_explanation_and_in_many(gpt2, tokenizer):
    pytest.importorskip("pyarrow")
    model = LanguageModel(gpt2, tokenizer, answers=[" good", " bad"], output="log_prob")
    explanation = TextExplainer().explain_instance(PROMPT, model, num_samples=100)
    assert explanation.output_names == ("log-probability of  good", "log-probability of  bad")
    importance = Explanations.of([explanation]).importance(label=" bad").to_frame()
    assert len(importance) == len(explanation.as_list(" bad"))


def test_many_explanations_are_those_of_single_calls_to_the_bit(gpt2, tokenizer):
    pytest.importorskip("pyarrow")
    model = LanguageModel(gpt2, tokenizer, answers=[" good", " bad"])
    explainer, prompts = TextExplainer(), [PROMPT, "The plot is clever. This film is", "This film is"]
    many = explainer.explain_many(prompts, model, num_samples=100)
    for prompt, one in zip(prompts, many, strict=True):
        assert one.as_list() == explainer.explain_instance(prompt, model, num_samples=100).as_list()


def test_a_batch_holds_prompts_of_one_instance(gpt2, tokenizer):
    class Watched(LanguageModel):
        def __call__(self, prompts):
            batches.append({word for prompt in prompts for word in prompt.split()})
            return super().__call__(prompts)

    batches = []
    prompts = ["good film", "bad plot", "clever end"]
    words = [set(prompt.split()) for prompt in prompts]
    list(TextExplainer().explain_many(prompts, Watched(gpt2, tokenizer, answers=[" good", " bad"])))
    assert batches
    assert all(any(batch <= own for own in words) for batch in batches)


@pytest.mark.parametrize(("number_type", "digits"), [("float64", 15), ("float32", 6), ("bfloat16", 1)])
def test_rounding_is_that_of_the_number_type(number_type, digits, tokenizer):
    module = make_module("gpt2", len(tokenizer)).to(getattr(torch, number_type))
    rounding = LanguageModel(module, tokenizer, answers=[" good"]).batch_rounding
    assert 10.0 ** -(digits + 1) < rounding < 10.0**-digits


def test_weights_are_those_of_a_model_asked_by_hand(gpt2, tokenizer):
    ids = [tokenizer(answer)["input_ids"] for answer in (" good", " bad")]

    def asked_by_hand(prompts):
        rows = [tokenizer(prompt)["input_ids"] or [tokenizer.eos_token_id] for prompt in prompts]
        return [by_hand(gpt2, row, ids[0])[0] - by_hand(gpt2, row, ids[1])[0] for row in rows]

    explainer = TextExplainer()
    expected = explainer.explain_instance(PROMPT, asked_by_hand, num_samples=100)
    got = explainer.explain_instance(PROMPT, LanguageModel(gpt2, tokenizer, answers=[" good", " bad"]), num_samples=100)
    assert dict(got.as_list()) == pytest.approx(dict(expected.as_list()), abs=1e-4)


def test_answers_that_begin_others_have_a_notice(gpt2, tokenizer):
    model = LanguageModel(gpt2, tokenizer, answers=[" no", " no, not"])
    explanation = TextExplainer().explain_instance(PROMPT, model, num_samples=50)
    (note,) = [note for note in explanation.warnings if note.code == "overlapping_answers"]
    assert "' no' begins ' no, not'" in note.message
    assert LanguageModel(gpt2, tokenizer, answers=[" no, yes", " no, not"]).outputs.notes == ()


def test_half_precision_is_answered_in_single(tokenizer):
    module = make_module("llama", len(tokenizer))
    exact = LanguageModel(module, tokenizer, answers=[" good", " bad"], output="log_prob")(PROMPTS)
    module.bfloat16()
    halves = LanguageModel(module, tokenizer, answers=[" good", " bad"], output="log_prob")(PROMPTS)
    assert halves == pytest.approx(exact, abs=0.3)
    assert (torch.tensor(halves).bfloat16().double().numpy() != halves).any()  # more digits than the module's own
    with torch.inference_mode():
        ids = torch.tensor([tokenizer("un")["input_ids"]])
        logits = module(input_ids=ids).logits[0, -1].float()
    expected = logits.log_softmax(0)[tokenizer(" good")["input_ids"][0]]
    assert halves[1, 0] == pytest.approx(float(expected), abs=0.1)


def test_module_and_tokenizer_stay_as_they_are(gpt2):
    own = byte_tokenizer()
    own.padding_side, own.truncation_side = "left", "left"
    own.backend_tokenizer.enable_truncation(5)
    own.backend_tokenizer.enable_padding(length=7)
    before, weights = own.backend_tokenizer.to_str(), [parameter.clone() for parameter in gpt2.parameters()]
    cut = LanguageModel(gpt2, own, answers=[" good", " bad"])(PROMPTS)
    assert own.backend_tokenizer.to_str() == before
    assert (own.padding_side, own.truncation_side, own.pad_token) == ("left", "left", None)
    assert np.array_equal(cut, LanguageModel(gpt2, byte_tokenizer(), answers=[" good", " bad"])(PROMPTS))
    assert all(torch.equal(now, then) for now, then in zip(gpt2.parameters(), weights, strict=True))
    assert not gpt2.training


class TestModules:
    def test_a_prompt_that_is_too_long_is_refused_and_never_cut(self, gpt2, tokenizer):
        limit = gpt2.config.n_positions
        fitting = tokenizer.decode(tokenizer("film " * 100)["input_ids"][:limit])
        count = len(tokenizer(fitting)["input_ids"])
        assert LanguageModel(gpt2, tokenizer, answers=[" good"])([fitting]).shape == (1, 1)
        model = LanguageModel(gpt2, tokenizer, answers=[" no, not at"])
        message = (
            rf"a prompt has {count + 3} tokens, 3 of them of an answer, and the model reads {limit} at most. It is not cut, "
            rf"since words that the model does not see would look unimportant: shorten it by {count + 3 - limit} tokens."
        )
        with pytest.raises(ArgumentError, match=message):
            model([fitting])

    def test_padding_leaves_the_limit_alone(self, tokenizer):
        module = make_module("gpt2", len(tokenizer))
        module.config.n_positions = 30  # no multiple of the width's step
        module.transformer.wpe = torch.nn.Embedding.from_pretrained(module.transformer.wpe.weight[:30]).eval()
        ids = tokenizer(PROMPTS[-1] * 2)["input_ids"][:30]
        assert len(ids) == 30
        prompt = tokenizer.decode(ids)
        score = LanguageModel(module, tokenizer, answers=[" good"])([prompt, "un"])
        assert score[0, 0] == pytest.approx(by_hand(module, ids, tokenizer(" good")["input_ids"])[0], abs=1e-4)

    def test_the_limit_of_a_part_that_reads_text_counts(self, tokenizer):
        module = make_module("llama", len(tokenizer))
        of_text = copy.copy(module.config)
        module.config.max_position_embeddings = 10**6
        module.config.get_text_config = lambda *_, **__: of_text
        model = LanguageModel(module, tokenizer, answers=[" good"])
        with pytest.raises(ArgumentError, match="the model reads 64 at most"):
            model(["plot " * 100])

    def test_a_module_that_sees_later_tokens_is_refused(self, tokenizer):
        module = make_module("bert", len(tokenizer))
        with pytest.raises(ArgumentError, match="those of BertForMaskedLM changed with a later token"):
            LanguageModel(module, tokenizer, answers=[" good", " bad"])(PROMPTS)

    def test_an_encoder_with_a_decoder_is_refused(self, tokenizer):
        with pytest.raises(ArgumentError, match="T5ForConditionalGeneration is an encoder with a decoder"):
            LanguageModel(make_module("t5", len(tokenizer)), tokenizer, answers=[" good"])

    def test_a_module_without_scores_of_tokens_is_refused(self, gpt2, tokenizer):
        with pytest.raises(ArgumentTypeError, match=r"module must give scores .* GPT2Model gave BaseModelOutput"):
            LanguageModel(gpt2.transformer, tokenizer, answers=[" good"])(PROMPTS)

        class Classifier(torch.nn.Module):
            def forward(self, input_ids, attention_mask):
                return torch.zeros(len(input_ids), 2) + attention_mask.sum()

        with pytest.raises(ArgumentTypeError, match=r"Classifier gave a tensor of shape \(2, 2\)"):
            LanguageModel(Classifier().eval(), tokenizer, answers=[" good"])(PROMPTS)

    def test_a_plain_module_that_gives_a_tensor(self, gpt2, tokenizer):
        class Plain(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = gpt2

            def forward(self, input_ids, attention_mask):
                return self.inner(input_ids=input_ids, attention_mask=attention_mask).logits

        expected = LanguageModel(gpt2, tokenizer, answers=[" good", " no, not"])(PROMPTS)
        assert LanguageModel(Plain().eval(), tokenizer, answers=[" good", " no, not"])(PROMPTS) == pytest.approx(
            expected, abs=1e-5
        )

    def test_another_models_tokenizer_is_refused(self, tokenizer):
        with pytest.raises(ArgumentError, match=r"GPT2LMHeadModel knows 300 tokens, and the tokenizer gives token \d+"):
            LanguageModel(make_module("gpt2", 300), tokenizer, answers=[" good"])(PROMPTS)

    def test_training_mode_is_refused(self, tokenizer):
        module = make_module("gpt2", len(tokenizer)).train()
        with pytest.raises(ArgumentError, match="in training mode"):
            LanguageModel(module, tokenizer, answers=[" good"])(PROMPTS)
        assert module.training

    def test_a_part_in_training_mode_is_refused(self, tokenizer):
        module = make_module("gpt2", len(tokenizer))
        module.transformer.drop.train()
        with pytest.raises(ArgumentError, match="in training mode, or a part of it is"):
            LanguageModel(module, tokenizer, answers=[" good"])(PROMPTS)

    def test_a_module_that_raises_keeps_its_error(self, tokenizer):
        class Broken(torch.nn.Module):
            def forward(self, input_ids, attention_mask):
                raise ZeroDivisionError(input_ids.shape, attention_mask.shape)

        model = LanguageModel(Broken().eval(), tokenizer, answers=[" good"])
        with pytest.raises(ModelError, match="ZeroDivisionError"):
            TextExplainer().explain_instance(PROMPT, model)


class TestArguments:
    @pytest.mark.parametrize(
        ("settings", "error", "message"),
        [
            ({"answers": " yes"}, ArgumentTypeError, r"answers must be a sequence of texts, such as .*; got ' yes'"),
            ({"answers": {" yes", " no"}}, ArgumentTypeError, "answers must have a certain order, which a set lacks"),
            ({"answers": [" yes", 1]}, ArgumentTypeError, "each of answers must be a str; got 1"),
            ({"answers": [" yes", ""]}, ArgumentError, "each of answers must have a character at least"),
            ({"answers": []}, ArgumentError, "answers must have one text at least; got none"),
            ({"answers": [" yes", " yes"]}, ArgumentError, "answers must be distinct; got ' yes' twice"),
            ({"answers": [" yes"], "output": "log_odds"}, ArgumentError, r'output="log_odds" needs two answers at least'),
            ({"answers": [" a", " b"], "output": "per_token"}, ArgumentError, r'output="per_token" needs a single answer'),
            (
                {"answers": [" yes"], "output": "logits"},
                ArgumentError,
                "output must be one of 'log_odds', 'log_prob', 'per_token'",
            ),
            ({"answers": [" yes"], "batch_tokens": 0}, ArgumentError, "batch_tokens must be an integer of at least 1"),
        ],
    )
    def test_refused(self, settings, error, message, gpt2, tokenizer):
        with pytest.raises(error, match=message):
            LanguageModel(gpt2, tokenizer, **settings)

    def test_module_and_tokenizer_that_are_none(self, gpt2, tokenizer):
        with pytest.raises(ArgumentTypeError, match=r"module must be a torch.nn.Module; got \w+"):
            LanguageModel(tokenizer, gpt2, answers=[" yes"])
        with pytest.raises(ArgumentTypeError, match=r"tokenizer must be a tokenizer of transformers.*; got str"):
            LanguageModel(gpt2, "gpt2", answers=[" yes"])

    @pytest.mark.parametrize(
        ("prompts", "message"),
        [
            ("un", "prompts must be a sequence of them; got a single str"),
            ({"role": "user", "content": "un"}, "prompts must be a sequence of them; got a single dict"),
            ([None], "a prompt must be a str, or a list of chat messages with role and content; got NoneType"),
            ([b"un"], "a prompt must be a str, or .*; got bytes"),
            ([("question", "context")], "a prompt must be a str, or .*; got tuple"),
            ([{"role": "user", "content": "un"}], "got dict. Give a list of prompts, of which each may be a list of messages"),
        ],
    )
    def test_prompts_of_other_kinds(self, prompts, message, gpt2, tokenizer):
        with pytest.raises(ArgumentTypeError, match=message):
            LanguageModel(gpt2, tokenizer, answers=[" yes"])(prompts)

    def test_without_prompts(self, gpt2, tokenizer):
        assert LanguageModel(gpt2, tokenizer, answers=[" yes", " no"])([]).shape == (0, 2)

    def test_without_torch_the_error_names_the_extra(self, monkeypatch, tokenizer):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(MissingDependencyError, match=r"LanguageModel needs torch: pip install 'limelight\[transformers\]'"):
            LanguageModel(None, tokenizer, answers=[" yes"])

    def test_shown_and_pickled(self, gpt2, tokenizer):
        model = LanguageModel(gpt2, tokenizer, answers=[" yes", " no"])
        assert repr(model) == "LanguageModel(<GPT2LMHeadModel>, answers=[' yes', ' no'], output='log_odds')"
        assert np.array_equal(pickle.loads(pickle.dumps(model))(PROMPTS), model(PROMPTS))


def test_examples_of_the_guide():
    with torch.random.fork_rng():
        run_examples("docs/text.md", "Language models and prompts", count=2)
