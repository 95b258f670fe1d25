"""The tokenizer of models trained from scratch: single digits, and common phrases as single tokens.

Word problems are templates around names and numbers. A phrase found in many texts becomes one token, so a
prompt takes about 130 tokens instead of 300; names are found in few texts and stay in pieces that can be
copied; digits stand alone, because arithmetic is learnt digit by digit.

A name is the same tokens wherever it stands: a mark before it says that it has a capital, and a word that
starts a line is read as if a space stood before it. Else a model must learn for every word that ``Budget``
and `` budget`` are one, and cannot for a word that it has never met.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from string import ascii_lowercase
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"

SPACED, OPENED = "\ue000", "\ue001"
"""Marks of a capital: of a word after a space, and of any other word (it gets a space)."""

SYMBOL = r" = [xymz]\d?'?(?![\w'])"
"""The letter that a solution gives a level, behind it: one token, so that it can be copied from there."""

PIECE = rf"{SYMBOL}|[{SPACED}{OPENED}]|0\.(?=\d)|\d|\n| ?[A-Za-z]+| ?[^\sA-Za-z\d{SPACED}{OPENED}]+|\s"
"""What a text is cut into where no phrase stands."""

SAMPLE, SHARE = 4000, 0.01
"""Texts in which phrases are looked for, and the least share of them that must hold one."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|im_end|>' -}}{%- endif -%}"
    "{{- '\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)
"""ChatML; the generation marks let trainers find the assistant's tokens."""


def phrases(texts: Iterable[str], count: int, share: float = SHARE, apart: Collection[str] = ()) -> list[str]:
    """Runs of words and punctuation that stand in at least this share of the texts, longest first.

    Neighbouring pieces are merged, the most widespread pairs first, as in byte-pair encoding but on words.

    Args:
        texts: Sample of what the model reads and writes.
        count: Most phrases to find.
        share: Of texts that must hold a phrase; names of variables stay below it.
        apart: Words that are never part of a phrase.
    """
    documents = [re.findall(PIECE, text) for text in texts]
    alone = {f"{space}{word}" for word in apart for space in ("", " ")}
    found: set[str] = set()
    while len(found) < count:
        pairs = (pair for pieces in documents for pair in set(pairwise(pieces)))
        spread = Counter(pair for pair in pairs if _joins(*pair, alone))
        common = [pair for pair, held in spread.most_common(count) if held >= max(2, share * len(documents))]
        chosen: dict[str, str] = {}
        for left, right in common[: max(8, (count - len(found)) // 4)]:
            # A pair that overlaps one chosen in this pass has an outdated count: it waits for the next.
            if not {left, right} & (chosen.keys() | set(chosen.values())):
                chosen[left] = right
        if not chosen:
            break
        documents = [_merged(pieces, chosen) for pieces in documents]
        found |= {left + right for left, right in chosen.items()}
    used = {piece for pieces in documents for piece in set(pieces)} & found
    return sorted(used, key=lambda phrase: (-len(phrase), phrase))


def _joins(left: str, right: str, alone: Collection[str]) -> bool:
    """Whether two pieces may be one phrase: no line breaks, no digits but the zero before a point."""
    if left.isspace() or right == "\n":
        return False
    return not any(
        piece in alone or piece.isdigit() or re.fullmatch(SYMBOL, piece) for piece in (left, right)
    )


def _merged(pieces: list[str], chosen: dict[str, str]) -> list[str]:
    """The pieces with every chosen pair joined."""
    merged: list[str] = []
    for piece in pieces:
        if merged and chosen.get(merged[-1]) == piece:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _boundary(phrase: str) -> str:
    """What must follow a phrase: no rest of a word; digits where it ends in a space or a zero and a point."""
    if phrase[-1].isalpha():
        return r"(?![A-Za-z])"
    return r"(?=\d)" if phrase[-1].isspace() or phrase.endswith("0.") else ""


def build(
    texts: Sequence[str], vocabulary: int = 1536, context: int = 2048, apart: Collection[str] = ()
) -> PreTrainedTokenizerFast:
    """A tokenizer for texts like these; it encodes any other text too, byte by byte if need be.

    Args:
        texts: Prompts and solutions; a few thousand are enough.
        vocabulary: Number of tokens.
        context: Longest sequence, reported as ``model_max_length``.
        apart: Words that are never part of a phrase: they are looked up and copied, as names are.
    """
    lower, capital = _capitals()
    texts = [lower.normalize_str(text) for text in texts]
    common = phrases(texts[:SAMPLE], count=vocabulary // 3, apart=apart)
    bounded = [re.escape(phrase) + _boundary(phrase) for phrase in common]
    pattern = "|".join([*bounded, PIECE])
    cut = [re.findall(pattern, text) for text in texts]
    letters = {piece for pieces in cut for piece in pieces if re.fullmatch(SYMBOL, piece)}
    whole = dict.fromkeys([*common, *sorted(letters)])
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.normalizer = lower
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), *capital])
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(whole),
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rest = ("".join("\n" if piece in whole else piece for piece in found) for found in cut)
    tokenizer.train_from_iterator(rest, trainer)
    _add_whole(tokenizer, whole)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START],
        padding_side="left",
        model_max_length=context,
        chat_template=CHAT_TEMPLATE,
    )


def _capitals() -> tuple[normalizers.Normalizer, list[decoders.Decoder]]:
    """What puts the marks of capitals, and what takes them away again.

    Only a capital with a small letter behind it, at the start of a word, gets a mark: ``GDP`` stays as it is.
    """
    marked: list[normalizers.Normalizer] = []
    back: list[decoders.Decoder] = []
    for small in ascii_lowercase:
        big = small.upper()
        marked.append(normalizers.Replace(Regex(f" {big}(?=[a-z])"), f"{SPACED} {small}"))
        marked.append(normalizers.Replace(Regex(f"(?<![A-Za-z]){big}(?=[a-z])"), f"{OPENED} {small}"))
        back.append(decoders.Replace(f"{SPACED} {small}", f" {big}"))
        back.append(decoders.Replace(f"{OPENED} {small}", big))
    return normalizers.Sequence(marked), back


def _add_whole(tokenizer: Any, whole: Iterable[str]) -> None:
    """Give each text a token of its own, without the tokens of its beginnings that merging would need."""
    import json

    state = json.loads(tokenizer.to_str())["model"]
    vocabulary = dict(state["vocab"])
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str
    for text in whole:
        vocabulary.setdefault(bytes_of(text)[0][0], len(vocabulary))
    merges = [
        tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in state["merges"]
    ]
    tokenizer.model = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True)
