"""What the columns of a batch table mean: by their names in four languages, else by their cells.

Names are compared without case, accents, blanks and signs, so that `Case-Ref.`, `case_ref` and
`CASEREF` are one. Spanish `dirección` is an address here (the direction is `sentido`).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

FIELDS: Mapping[str, tuple[str, ...]] = {
    "address": (
        "address", "addresses", "addr", "wallet", "wallets", "walletaddress", "walletid",
        "btcaddress", "bitcoinaddress", "ethaddress", "ethereumaddress", "cryptoaddress",
        "cryptocurrencyaddress", "blockchainaddress", "virtualassetaddress",
        "adresse", "adressen", "walletadresse", "bitcoinadresse", "btcadresse", "ethadresse",
        "ethereumadresse", "kryptoadresse", "blockchainadresse",
        "adressebitcoin", "adressebtc", "adresseethereum", "adressecrypto", "portefeuille",
        "adresseduportefeuille",
        "direccion", "direcciones", "direccionbitcoin", "direccionbtc", "direccionethereum",
        "direcciondelacartera", "cartera", "billetera", "monedero",
    ),
    "txid": (
        "txid", "tx", "txhash", "transactionid", "transactionhash", "transaction", "hash",
        "transaktion", "transaktionsid", "transaktionshash", "transaktionsnummer",
        "idtransaction", "hashtransaction", "hashdelatransaction",
        "transaccion", "idtransaccion", "hashtransaccion", "hashdelatransaccion",
    ),
    "chain": (
        "chain", "network", "blockchain", "coin", "currency", "crypto", "cryptocurrency",
        "netzwerk", "kette", "waehrung", "wahrung", "kryptowaehrung", "kryptowahrung",
        "chaine", "reseau", "monnaie", "devise", "cryptomonnaie",
        "cadena", "red", "moneda", "criptomoneda",
    ),
    "case_ref": (
        "caseref", "case", "caseid", "casenumber", "caseno", "casereference", "reference", "ref",
        "aktenzeichen", "az", "fall", "fallnummer", "vorgang", "vorgangsnummer",
        "geschaeftszeichen", "geschaftszeichen", "verfahren",
        "affaire", "dossier", "numerodedossier", "numerodaffaire",
        "caso", "expediente", "numerodecaso", "referencia",
    ),
    "label": (
        "label", "name", "tag", "bezeichnung", "beschriftung", "etikett",
        "libelle", "etiquette", "nom", "etiqueta", "nombre",
    ),
    "note": (
        "note", "notes", "comment", "comments", "remark", "remarks", "description",
        "notiz", "notizen", "bemerkung", "bemerkungen", "kommentar", "anmerkung", "beschreibung",
        "commentaire", "commentaires", "remarque", "remarques",
        "nota", "notas", "comentario", "comentarios", "observacion", "observaciones",
        "descripcion",
    ),
    "direction": ("direction", "richtung", "sens", "sentido"),
    "from": (
        "from", "since", "fromdate", "datefrom", "startdate", "start",
        "von", "ab", "seit", "startdatum", "datumvon", "depuis", "du", "debut", "datededebut",
        "desde", "inicio", "fechadeinicio",
    ),
    "to": (
        "to", "until", "till", "todate", "dateto", "enddate", "end",
        "bis", "enddatum", "datumbis", "jusqua", "au", "fin", "datedefin", "hasta", "fechadefin",
    ),
    "min_value": (
        "minvalue", "minimumvalue", "minamount", "minimumamount", "mindestbetrag", "mindestwert",
        "montantminimum", "montantmin", "valeurminimum", "valormin", "valorminimo",
        "importeminimo", "montominimo",
    ),
    "max_hops": (
        "maxhops", "hops", "maxdepth", "depth", "schritte", "maxschritte", "tiefe",
        "sauts", "maxsauts", "profondeur", "saltos", "maxsaltos", "profundidad",
    ),
    "method": ("method", "policy", "methode", "metodo"),
}  # fmt: skip
"""What a row may say -> how columns are called that say it, as `plain_name` writes them."""

ERROR_COLUMNS = ("row", "error_code", "error_detail", "suggestion")
"""What `errors.csv` adds to the columns of the input."""

_MEANING = {name: meaning for meaning, names in FIELDS.items() for name in names}
_SEPARATOR = re.compile(r"[,;|\t]")
_SECRET_NAME = re.compile(
    r"(?:priv(?:ate)?|secret|wallet|wif)key|privkey|wif|xprv|(?:seed|recovery|mnemonic)(?:phrase)?"
    r"|passphrase|password|passwort|kennwort|motdepasse|contrasena|privaterschlussel"
    r"|privaterschluessel|privatschlussel|wiederherstellungsphrase|cle(?:privee|secrete)"
    r"|clave(?:privada|secreta)|frase(?:semilla|derecuperacion)|phrase(?:de)?recuperation|chaveprivada"
)


@lru_cache(maxsize=1024)
def plain_name(column: str) -> str:
    """Return a column's name in small letters, without accents, blanks and signs."""
    parts = unicodedata.normalize("NFKD", column.replace("\u00df", "ss")).casefold()
    return "".join(letter for letter in parts if letter.isalnum())


def meaning_of(column: str) -> str | None:
    """Return what a column of that name says, as `FIELDS` names it; None for any other.

    A text with a separator in it is several names that were not parted, and means nothing.
    """
    return None if _SEPARATOR.search(column) else _MEANING.get(plain_name(column))


def names_secrets(column: str) -> bool:
    """Return whether a column of that name holds private keys, seed phrases or passwords."""
    return _SECRET_NAME.fullmatch(plain_name(column)) is not None


def error_places(header: Sequence[str]) -> frozenset[int]:
    """Return the places of the columns that `errors.csv` adds; none in a table that is none."""
    plain = [column.strip().lower() for column in header]
    if not set(ERROR_COLUMNS) <= set(plain):
        return frozenset()
    # The original table may have had columns of these names: what was added stands behind.
    return frozenset(len(plain) - 1 - plain[::-1].index(name) for name in ERROR_COLUMNS)
