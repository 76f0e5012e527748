"""Bodies are decompressed piece by piece, or refused."""

import gzip
import random
import zlib
from collections.abc import Callable

import pytest
from mlflow_platform_server import decompression
from mlflow_platform_server.decompression import PIECE_BYTES, UnknownEncodingError
from mlflow_platform_server.refusals import MalformedError


def raw_deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


FORMATS = [("gzip", gzip.compress), ("x-GZIP", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]


def unpacked(encoding: str, pieces: list[bytes]) -> list[bytes]:
    decoder = decompression.decoder([(b"content-encoding", encoding.encode())])
    content = [piece for received in pieces for piece in decoder.pieces(received)]
    decoder.end()
    return content


@pytest.mark.parametrize(("encoding", "compress"), FORMATS)
@pytest.mark.parametrize("seed", range(10))
def test_a_body_arrives_as_it_was_however_it_is_cut(
    encoding: str, compress: Callable[[bytes], bytes], seed: int
) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    body = random_.choice((b"", b"x" * 300_000, random_.randbytes(200_000), b"{}" * 70_000))
    sent = compress(body)
    cuts = sorted(random_.choices(range(len(sent)), k=random_.randrange(6)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert b"".join(unpacked(encoding, pieces)) == body


@pytest.mark.parametrize(("encoding", "compress"), FORMATS)
def test_a_bomb_comes_in_pieces_so_that_it_can_be_refused_after_the_first(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    decoder = decompression.decoder([(b"content-encoding", encoding.encode())])
    pieces = decoder.pieces(compress(bytes(100 * 1024 * 1024)))
    assert [len(next(pieces)) for _ in range(3)] == [PIECE_BYTES] * 3


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip, deflate", "GZIP,br", "gzip;q=1"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError, match="not supported"):
        decompression.decoder([(b"content-encoding", encoding.encode())])


def test_several_encodings_in_several_headers_are_refused() -> None:
    with pytest.raises(UnknownEncodingError):
        decompression.decoder([(b"content-encoding", b"gzip"), (b"content-encoding", b"gzip")])


def test_no_encoding_and_identity_leave_a_body_as_it_is() -> None:
    assert unpacked("identity", [b"a", b"b"]) == [b"a", b"b"]
    assert unpacked("", [b"a"]) == [b"a"]


@pytest.mark.parametrize(
    "sent",
    [b"no gzip", b"", gzip.compress(b"cut short")[:-9], gzip.compress(b"") * 2, gzip.compress(b"") + b"\0"],
    ids=["other", "nothing", "cut", "parts", "more"],
)
def test_a_body_that_is_not_compressed_as_its_header_says_is_refused(sent: bytes) -> None:
    for pieces in ([sent], [sent[:5], sent[5:]], [sent[index : index + 1] for index in range(len(sent))]):
        with pytest.raises(MalformedError, match="Content-Encoding"):
            unpacked("gzip", pieces)
