"""Classifiers of transformers: the pipeline's answers, whatever the batches, and the same explanation in every company."""

import pickle
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.examples import read_section

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from helpers.tiny_transformers import bert, byte_pairs, gpt2, roberta, word_pieces  # noqa: E402

from limelight import ComponentsExplainer, TextExplainer, TransformersModel  # noqa: E402
from limelight.exceptions import ArgumentError, ArgumentTypeError, LimelightError, ModelError, PredictionError  # noqa: E402
from limelight.models import _text_module  # noqa: E402
from limelight.models._text_module import PADDED, SAME_LENGTH, SINGLE  # noqa: E402
from limelight.models._token_batches import cut_batches  # noqa: E402

TEXT = "The film is a charming, often affecting journey: don't miss it (or do)!"
TEXTS = [TEXT, "good", "a dull film", "", "Unspoken things; it's often 42.", "charming charming charming film", "bad film!"]


@pytest.fixture(autouse=True)
def _quiet():
    transformers.utils.logging.set_verbosity_error()


def pipeline_of(module, tokenizer, **options):
    return transformers.pipeline("text-classification", model=module, tokenizer=tokenizer, device="cpu", **options)


def said_by(pipeline, inputs, **options):
    """What a pipeline itself says, one input at a time, with the labels in their order."""
    names = pipeline.model.config.id2label
    answers = [{one["label"]: one["score"] for one in pipeline(text, top_k=None, **options)} for text in map(as_input, inputs)]
    return np.array([[answer[names[number]] for number in range(len(names))] for answer in answers])


def as_input(one):
    return {"text": one[0], "text_pair": one[1]} if isinstance(one, tuple) else one


def explained(model, text=TEXT, **options):
    return TextExplainer(**options).explain_instance(text, model, num_samples=200, labels=0)


def codes_of(explanation):
    return {notice.code: notice for notice in explanation.notices}


class TestAnswers:
    @pytest.mark.parametrize(
        ("labels", "problem", "kind"),
        [
            (2, None, "probabilities"),
            (3, "single_label_classification", "probabilities"),
            (3, "multi_label_classification", "scores"),
            (1, None, "scores"),
            (1, "regression", "scores"),
            (2, "regression", "scores"),
        ],
    )
    def test_are_those_of_the_pipeline(self, labels, problem, kind):
        names = {number: f"name {number}" for number in range(labels)}
        pipeline = pipeline_of(bert(labels, problem_type=problem, id2label=names), word_pieces())
        assert np.allclose(TransformersModel(pipeline)(TEXTS), said_by(pipeline, TEXTS), atol=1e-5)
        explanation = explained(pipeline)
        assert explanation.output_kind == kind
        assert explanation.output_names == tuple(names.values())

    @pytest.mark.parametrize("function", ["sigmoid", "softmax", "none"])
    def test_follow_what_the_pipeline_makes_of_logits(self, function):
        pipeline = pipeline_of(bert(3), word_pieces(), function_to_apply=function)
        assert np.allclose(TransformersModel(pipeline)(TEXTS), said_by(pipeline, TEXTS), atol=1e-5)

    @pytest.mark.parametrize(
        "make", [lambda: (roberta(), byte_pairs(pad_token="<pad>", eos_token="<eos>")), lambda: (bert(), word_pieces())]
    )
    def test_do_not_depend_on_the_batch(self, make):
        model = TransformersModel(*make(), batch_tokens=20)
        alone = np.concatenate([model([text]) for text in TEXTS])
        order = np.random.default_rng(0).permutation(len(TEXTS))
        assert np.ptp(alone[:, 0]) > 0.01
        assert np.allclose(model([TEXTS[row] for row in order]), alone[order], atol=1e-5)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_of_half_precision_are_handled_in_full(self, dtype):
        pipeline = pipeline_of(bert(3).to(dtype), word_pieces())
        answers = TransformersModel(pipeline)(TEXTS)
        assert answers.dtype == np.float64
        assert np.allclose(answers.sum(axis=1), 1, atol=1e-12)
        assert np.allclose(answers, said_by(pipeline, TEXTS), atol=0.05)
        assert pipeline.model.dtype == dtype

    def test_of_pairs(self):
        pairs = [("a film", "good"), ("good", "a charming film"), ("", "bad")]
        pipeline = pipeline_of(bert(), word_pieces())
        model = TransformersModel(pipeline)
        wanted = said_by(pipeline, pairs)
        assert np.ptp(wanted[:, 0]) > 0.01
        for batch in (pairs, list(map(list, pairs)), list(map(as_input, pairs))):
            assert np.allclose(model(batch), wanted, atol=1e-5)

    def test_of_a_slow_tokenizer(self):
        tokenizer = transformers.ByT5Tokenizer(extra_ids=0, model_max_length=64)
        assert not tokenizer.is_fast
        pipeline = pipeline_of(bert(pad_token_id=tokenizer.pad_token_id), tokenizer)
        assert np.allclose(TransformersModel(pipeline)(TEXTS[1:3]), said_by(pipeline, TEXTS[1:3]), atol=1e-5)
        assert not {"text_cut"} & set(codes_of(explained(pipeline, "a good film")))
        assert "text_cut" in codes_of(explained(pipeline))

    def test_of_a_module_of_ones_own_are_its_logits(self):
        class Counts(torch.nn.Module):
            """How often a token is there; of other arguments it knows nothing."""

            def __init__(self, token):
                super().__init__()
                self.token = token

            def forward(self, input_ids):
                return (input_ids == self.token).sum(dim=1, keepdim=True).float()

        tokenizer = word_pieces()
        token = tokenizer(",", add_special_tokens=False)["input_ids"][0]
        explanation = TextExplainer(split_expression=r"\s+").explain_instance(
            "film, good, a b", (Counts(token).eval(), tokenizer)
        )
        assert {name for name, weight in explanation.as_list() if abs(weight) > 0.05} == {"film,", "good,"}


class TestPadding:
    """Some of these modules answer otherwise for padded texts, or not at all: texts share batches only as far as is right."""

    @pytest.mark.parametrize(
        ("make", "sharing"),
        [
            (lambda: (bert(), word_pieces()), PADDED),
            (lambda: (bert(), word_pieces(padding_side="left")), SAME_LENGTH),  # its positions count the padding
            (lambda: (roberta(), byte_pairs(pad_token="<pad>", eos_token="<eos>")), PADDED),
            (lambda: (gpt2(pad_token_id=0), byte_pairs(pad_token="<pad>", eos_token="<eos>")), PADDED),
            (
                lambda: (gpt2(pad_token_id=0), byte_pairs(pad_token="<pad>", eos_token="<eos>", padding_side="left")),
                SAME_LENGTH,
            ),
            (lambda: (gpt2(pad_token_id=None), byte_pairs(eos_token="<eos>")), SINGLE),
            (lambda: (bert(pad_token_id=None), word_pieces(pad_token=None)), PADDED),  # whatever the mask hides
        ],
    )
    def test_changes_no_answer(self, make, sharing):
        module, tokenizer = make()
        texts = [text for text in TEXTS if 0 < len(text) < 40]
        model = TransformersModel(module, tokenizer)
        assert model._module.sharing == sharing
        assert np.allclose(model(texts), said_by(pipeline_of(module, tokenizer), texts), atol=1e-5)
        assert ("single_texts" in codes_of(explained(model))) == (sharing == SINGLE)

    def test_a_text_without_tokens_is_a_special_token(self):
        tokenizer = byte_pairs(pad_token="<pad>", eos_token="<eos>")
        model = TransformersModel(gpt2(pad_token_id=0), tokenizer)
        assert np.allclose(model(["", "a film"])[:1], model(["<eos>"]), atol=1e-6)
        assert "empty_text" in codes_of(explained(model, "film"))
        assert "empty_text" not in codes_of(explained(model, "a film"))
        with pytest.raises(ModelError, match="makes no tokens of an empty text"):
            explained(TransformersModel(gpt2(pad_token_id=0), byte_pairs()), "film")

    @pytest.mark.parametrize("most_tokens", [1, 30, 1000])
    @pytest.mark.parametrize("batch_cost", [0, 5, 1000])
    def test_batches_hold_each_text_once_within_their_bounds(self, most_tokens, batch_cost):
        lengths = np.random.default_rng(0).integers(1, 20, 200)
        batches = cut_batches(lengths, most_tokens, batch_cost)
        assert sorted(np.concatenate(batches)) == list(range(200))
        for batch in batches:
            assert len(batch) == 1 or lengths[batch].max() * len(batch) <= most_tokens
            assert (lengths[batch].max() - lengths[batch]).sum() <= batch_cost

    def test_a_full_device_gets_smaller_batches(self, monkeypatch):
        module, tokenizer = bert(), word_pieces()
        model = TransformersModel(module, tokenizer)
        wanted, forward = model(TEXTS), module.forward
        asked = []

        def forward_if_it_fits(**arguments):
            if len(arguments["input_ids"]) > most:
                raise torch.OutOfMemoryError("no room")
            asked.append(len(arguments["input_ids"]))
            return forward(**arguments)

        monkeypatch.setattr(module, "forward", forward_if_it_fits)
        monkeypatch.setattr(_text_module, "_BATCH_COST", {"cpu": 1000})
        most = 2
        assert np.allclose(model(TEXTS), wanted, atol=1e-5)
        assert max(asked) == 2
        most = 0
        with pytest.raises(ModelError, match=r"no room for a single text. Give a smaller max_length"):
            model(TEXTS)


class TestExplanations:
    @pytest.mark.parametrize(
        "make", [lambda: (bert(3), word_pieces()), lambda: (roberta(3), byte_pairs(pad_token="<pad>", eos_token="<eos>"))]
    )
    def test_are_the_same_in_every_company(self, make):
        """To the bit, on a CPU in single precision: an instance's texts share their batches with no other's."""
        model, texts = make(), [TEXT, "a dull film", "a dull film", "good or bad, it's a film", TEXT.upper()]
        explainer = TextExplainer()
        alone = [explainer.explain_instance(text, model, num_samples=150) for text in texts]
        assert list(explainer.explain_many(texts, model, num_samples=150)) == alone
        assert list(explainer.explain_many(texts[::-1], model, num_samples=150)) == alone[::-1]
        assert list(TextExplainer(shortcuts=False).explain_many(texts, model, num_samples=150)) == alone

    @pytest.mark.parametrize(("rounding", "is_alarm"), [(0.0, True), (0.004, True), (0.1, False)])
    def test_have_an_alarm_where_answers_change_by_more_than_rounding(self, rounding, is_alarm):
        class Rounded:
            depends_on_batch = True
            batch_rounding = rounding

            def __call__(self, texts):
                return [len(text) / 100 + 0.03 * (len(texts) > 50) for text in texts]

        assert ("answers_depend_on_batch" in codes_of(explained(Rounded()))) == is_alarm

    def test_have_no_false_alarm_in_half_precision(self):
        for dtype in (torch.bfloat16, torch.float16):
            explanation = explained((bert().to(dtype), word_pieces()))
            assert not {"answers_depend_on_batch", "random_answers"} & set(codes_of(explanation))

    def test_are_found_from_a_pipeline_a_tuple_and_the_model(self):
        module, tokenizer = bert(), word_pieces()
        model = TransformersModel(module, tokenizer)
        assert explained(pipeline_of(module, tokenizer)) == explained((module, tokenizer)) == explained(model)
        assert explained(pickle.loads(pickle.dumps(model))) == explained(model)

    def test_leave_module_and_tokenizer_as_they_were(self):
        module, tokenizer = bert(), word_pieces()
        tokenizer.backend_tokenizer.enable_truncation(5)
        tokenizer.backend_tokenizer.enable_padding(length=7)
        before = tokenizer.backend_tokenizer.to_str(), module.config.to_dict(), len(tokenizer), torch.get_rng_state()
        explained((module, tokenizer), TEXT * 5)
        after = tokenizer.backend_tokenizer.to_str(), module.config.to_dict(), len(tokenizer), torch.get_rng_state()
        assert after[:3] == before[:3]
        assert torch.equal(after[3], before[3])
        assert torch.is_grad_enabled()
        assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())

    def test_of_pairs_name_their_fields(self):
        model = (bert(), word_pieces())
        pair = {"text": "a charming film", "text_pair": "it is charming"}
        explanation = explained(model, pair)
        assert "text_pair: charming" in dict(explanation.as_list())
        assert explained(model, tuple(pair.values())).as_map() == explanation.as_map()
        assert "text_cut" in codes_of(explained(TransformersModel(*model, max_length=9), pair))

    def test_of_parts_that_are_texts(self):
        class Lines:
            names = ("first", "second")

            def compose(self, masks):
                return [
                    " ".join(line for line, on in zip(("a good film", "a bad film"), mask, strict=True) if on) for mask in masks
                ]

        model = TransformersModel(bert(), word_pieces())
        explanation = ComponentsExplainer().explain_instance(Lines(), model)
        assert explanation.num_inputs == 4


class TestLimits:
    @pytest.mark.parametrize(
        ("make", "limit"),
        [
            (lambda: (bert(), word_pieces(model_max_length=10**30)), 64),
            (lambda: (bert(), word_pieces(model_max_length=20)), 20),
            (lambda: (roberta(), byte_pairs(pad_token="<pad>", eos_token="<eos>")), 33),  # positions begin after the padding's
            (lambda: (gpt2(), byte_pairs(eos_token="<eos>", model_max_length=100)), 64),
        ],
    )
    def test_are_the_lowest_stated(self, make, limit):
        module, tokenizer = make()
        model = TransformersModel(module, tokenizer)
        assert model.max_length == limit
        assert np.isfinite(model([TEXT * 9])).all()
        assert np.allclose(model([TEXT * 9]), model([TEXT * 10]), atol=1e-6)
        assert TransformersModel(module, tokenizer, max_length=12).max_length == 12

    def test_a_notice_says_how_much_is_cut(self):
        module, tokenizer = bert(), word_pieces()
        count = len(tokenizer(TEXT)["input_ids"])
        notice = codes_of(explained(TransformersModel(module, tokenizer, max_length=12)))["text_cut"]
        assert notice.level == "alert"
        assert f"reads 12 tokens at most, and the instance has {count}: {count - 12} of them" in notice.message
        assert "text_cut" not in codes_of(explained(TransformersModel(module, tokenizer, max_length=count)))

    def test_a_pipeline_has_its_own(self):
        pipeline = pipeline_of(bert(), word_pieces(), truncation=True, max_length=9)
        model = TransformersModel(pipeline)
        assert model.max_length == 9
        assert np.allclose(model(TEXTS), said_by(pipeline, TEXTS), atol=1e-5)

    def test_words_that_are_cut_off_weigh_nothing_while_they_are(self):
        """A text of twenty words more than the limit, all but one of which stay: the words at its end change nothing."""
        tokenizer = word_pieces()
        model = TransformersModel(bert(), tokenizer, max_length=12)
        assert model([TEXT])[0, 0] == pytest.approx(model([TEXT + " good bad dull"])[0, 0], abs=1e-6)


class TestBadInput:
    def test_a_pipeline_of_another_task_is_refused(self):
        masks = transformers.BertForMaskedLM(bert().config).eval()
        pipeline = transformers.pipeline("fill-mask", model=masks, tokenizer=word_pieces(), device="cpu")
        with pytest.raises(ArgumentError, match=r"must be for text-classification .* this one is for fill-mask; .* function"):
            explained(pipeline)
        language = transformers.GPT2LMHeadModel(gpt2().config).eval()
        pipeline = transformers.pipeline(
            "text-generation", model=language, tokenizer=byte_pairs(eos_token="<eos>"), device="cpu"
        )
        with pytest.raises(ArgumentError, match="this one is for text-generation; LanguageModel asks language models"):
            explained(pipeline)

    def test_a_pipeline_has_a_tokenizer(self):
        with pytest.raises(ArgumentError, match="leave tokenizer out"):
            TransformersModel(pipeline_of(bert(), word_pieces()), word_pieces())

    def test_training_mode_is_refused(self):
        with pytest.raises(ArgumentError, match=r"in training mode.* call its eval\(\) first"):
            explained((bert().train(), word_pieces()))
        module = bert()
        module.dropout.train()
        with pytest.raises(ArgumentError, match=r"or a part of it is"):
            explained((module, word_pieces()))
        assert module.dropout.training

    @pytest.mark.parametrize(
        ("module", "tokenizer", "message"),
        [
            (bert, None, "tokenizer must be the module's tokenizer, of transformers; got NoneType"),
            (bert, str.split, "tokenizer must be the module's tokenizer"),
            (lambda: "bert", None, "model must be a pipeline .* got str"),
        ],
    )
    def test_what_is_no_model(self, module, tokenizer, message):
        with pytest.raises(ArgumentTypeError, match=message):
            TransformersModel(module(), tokenizer)

    def test_a_module_alone_lacks_its_tokenizer(self):
        with pytest.raises(
            ArgumentTypeError, match=r"a BertForSequenceClassification reads tokens: give it with its tokenizer"
        ):
            explained(bert())

    def test_a_tuple_in_the_wrong_order(self):
        message = r"must be the tuple \(module, tokenizer\); got \(\w+, BertForSequenceClassification\)\.$"
        with pytest.raises(ArgumentTypeError, match=message):
            explained((word_pieces(), bert()))

    def test_a_module_that_does_not_know_a_token(self):
        with pytest.raises(
            ArgumentError, match=r"must belong together: BertFor.* knows 20 tokens, .* call the module's resize"
        ):
            explained((bert(vocab_size=20), word_pieces()))

    def test_a_module_without_logits_is_refused(self):
        config = bert().config
        with pytest.raises(ArgumentTypeError, match=r"must return logits.* it returned BaseModelOutputWith"):
            explained((transformers.BertModel(config).eval(), word_pieces()))
        with pytest.raises(
            PredictionError, match=r"must give logits of shape \(1, k\), a row for each text; it gave \(1, 3, 400\)"
        ):
            explained((transformers.BertForMaskedLM(config).eval(), word_pieces()))

    @pytest.mark.parametrize(
        ("batch", "got"),
        [
            ([b"film"], "bytes"),
            ([None], "NoneType"),
            ([1.5], "float"),
            (["film", ("a", "b")], "str"),
            ([("a", None)], "tuple"),
            ([{"premise": "a", "text": "b"}], "a mapping with 'premise', 'text'"),
        ],
    )
    def test_what_is_no_text(self, batch, got):
        with pytest.raises(ArgumentTypeError, match=f"takes texts, or pairs of texts: .* got {got}"):
            TransformersModel(bert(), word_pieces())(batch)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"max_length": 2}, "max_length must be an integer of at least 3; got 2"),
            ({"max_length": 65}, "max_length must be at most 64, the module's number of positions; got 65"),
            ({"batch_tokens": 0}, "batch_tokens must be an integer of at least 1"),
            ({"batch_tokens": 1.5}, "batch_tokens must be an integer"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(LimelightError, match=message):
            TransformersModel(bert(), word_pieces(), **options)

    def test_a_text_that_is_no_unicode(self):
        with pytest.raises(ModelError, match=r"the tokenizer raised \w+: "):
            explained((bert(), word_pieces()), "a \ud800 film")

    def test_an_empty_batch(self):
        with pytest.raises(PredictionError, match="one text or more; got none"):
            TransformersModel(bert(), word_pieces())([])

    def test_labels_without_names_are_numbers(self):
        module = bert()
        module.config.id2label = {0: None, 1: "good"}
        assert explained((module, word_pieces())).output_names == ("None", "good")


def test_examples_of_the_guide(monkeypatch):
    """The programs of docs/text.md, with tiny models in the place of those that would be loaded."""

    class Encoder:
        def __init__(self, name):
            self.name = name

        def encode(self, texts):
            return np.array([[len(text), text.count("a")] for text in texts], dtype=float)

    names = {0: "NEGATIVE", 1: "POSITIVE"}
    classifier = pipeline_of(bert(id2label=names, max_position_embeddings=256), word_pieces())
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Encoder))
    section = read_section("docs/text.md", "Classifiers of transformers")
    blocks = re.findall(r"```py\n(.*?)```", section, flags=re.DOTALL)
    assert len(blocks) == 2
    known = {"made": classifier, "texts": ["a film", "no", "a banana"], "classes": ["good", "bad", "good"]}
    for code in blocks:
        exec(compile(re.sub(r"= pipeline\(.*?\)", "= made", code), "docs/text.md", "exec"), known)
        assert {"POSITIVE", "good"} & set(known["explanation"].output_names)


def test_repr():
    model = TransformersModel(bert(), word_pieces(), max_length=12, batch_tokens=99)
    assert (
        repr(model) == "TransformersModel(<BertForSequenceClassification>, <TokenizersBackend>, max_length=12, batch_tokens=99)"
    )
