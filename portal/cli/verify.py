"""`tram verify`: checks papers without the server."""

from pathlib import Path

import click


@click.command(name="verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--trust",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Certificate (PEM) of a signer to trust; those of this installation if not given.",
)
def command(files: tuple[Path, ...], trust: tuple[Path, ...]) -> None:
    """Check the signatures of certificates: every byte, the digest, the signer.

    Works offline. Ends with 1 if any file does not stand.
    """
    from cryptography import x509

    from portal import settings
    from portal.certificates.sealing import trusted
    from reports.signing import check_signature

    known = [x509.load_pem_x509_certificate(path.read_bytes()) for path in trust]
    known = known or trusted(settings.load())
    bad = 0
    for path in files:
        found = check_signature(path.read_bytes(), known)
        if found.problems:
            bad += 1
            click.echo(f"{path}: NOT VALID. {' '.join(found.problems)}")
        else:
            click.echo(f"{path}: valid, signed by {found.signer} at {found.signed_at} UTC")
    if bad:
        raise SystemExit(1)
