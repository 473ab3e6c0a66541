"""Speed of credentials: `python -m tests.benchmarks.credentials.speed [--threads N]`.

Prints medians of five rounds: DCC and slips verified a second, microseconds an entry of the log.
Rates on one thread are by processor time, which says what a core does also on a busy machine; rates
on several threads are by the clock.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import core_rs

NOW = datetime(2021, 12, 20, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=365)
ROUNDS = 5


def median_seconds(
    work: Callable[[], object], clock: Callable[[], float] = time.process_time
) -> float:
    times = []
    for _ in range(ROUNDS):
        start = clock()
        work()
        times.append(clock() - start)
    return statistics.median(times)


def print_rates(what: str, count: int, threads: int, work: Callable[[int], object]) -> None:
    seconds = median_seconds(lambda: work(1))
    print(f"{what}: verify {count / seconds:,.0f}/s per core")
    if threads > 1:
        seconds = median_seconds(lambda: work(threads), time.perf_counter)
        print(f"{what}: verify {count / seconds:,.0f}/s on {threads} threads by the clock")


def content(number: int) -> dict[str, object]:
    return {
        "ver": "1.3.0",
        "nam": {"fn": "Thử", "gn": f"Nghiệm {number}", "fnt": "THU", "gnt": "NGHIEM"},
        "dob": "1990-01-02",
        "t": [
            {
                "tg": "840539006",
                "tt": "LP6464-4",
                "nm": "RT-PCR",
                "sc": "2021-12-19T08:00:00+07:00",
                "tr": "260415000",
                "tc": "Phòng xét nghiệm mẫu",
                "co": "VN",
                "is": "Sở Y tế mẫu",
                "ci": f"URN:UVCI:01:VN:{number:032X}",
            }
        ],
    }


def measure_dcc(algorithm: str, count: int, threads: int) -> None:
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(65537, 2048)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signer = core_rs.DccSigner(private, kid=b"measured")
    trust = core_rs.TrustList()
    trust.add_key(b"measured", public)
    contents = [content(number) for number in range(count)]
    start = time.process_time()
    texts = [signer.issue(each, NOW, LATER) for each in contents]
    issued = count / (time.process_time() - start)
    frame = pl.DataFrame({"code": texts})
    print_rates(
        f"DCC {algorithm}",
        count,
        threads,
        lambda used: core_rs.verify_dccs(frame, trust, NOW, threads=used),
    )
    assert pl.DataFrame(core_rs.verify_dccs(frame, trust, NOW))["is_valid"].all()
    print(f"DCC {algorithm}: issue {issued:,.0f}/s per core")


def measure_slips(count: int, threads: int) -> None:
    signer = core_rs.SlipSigner(bytes(range(32)))
    codes = [core_rs.new_code() for _ in range(count)]
    start = time.process_time()
    texts = [
        signer.sign(
            kind="single",
            outcome="negative",
            sampled_at=NOW,
            released_at=NOW,
            code=code,
            full_name="Thử Nghiệm Một",
            birth_date="1990-01-02",
        )
        for code in codes
    ]
    print(f"slip: sign {(time.process_time() - start) / count * 1e6:.0f} µs")
    frame, keys = pl.DataFrame({"code": texts}), {1: signer.public_key}
    print_rates(
        "slip", count, threads, lambda used: core_rs.verify_slips(frame, keys, threads=used)
    )


def measure_log(count: int) -> None:
    entries = [b"%0210d" % number for number in range(count)]
    frame = pl.DataFrame({"entry": entries})
    seconds = median_seconds(lambda: core_rs.MerkleLog().append_many(frame))
    print(f"log: append {seconds / count * 1e6:.2f} µs an entry of 210 bytes, as a column")
    one = core_rs.MerkleLog()
    seconds = median_seconds(lambda: [one.append(entry) for entry in entries[: count // 10]])
    print(f"log: append {seconds / count * 1e7:.2f} µs an entry, one call each")
    seconds = median_seconds(lambda: core_rs.merkle_root(frame))
    print(f"log: verify {count:,} entries in {seconds:.2f} s")
    log = core_rs.MerkleLog()
    log.append_many(frame)
    seconds = median_seconds(lambda: [log.inclusion_proof(n) for n in range(10_000)])
    print(f"log: inclusion proof {seconds / 10_000 * 1e6:.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    for algorithm in ("ES256", "PS256"):
        measure_dcc(algorithm, 4_000, threads)
    measure_slips(4_000, threads)
    measure_log(1_000_000)


if __name__ == "__main__":
    main()
