"""How much is read of what is offered, so that hostile input ends soon and with a reason.

A bomb is small on disk and endless in memory; a trap is a file that never ends (a device) or leads
elsewhere (a link). Every limit here ends the reading of one item, or of the archive that holds it,
with a row in the report; nothing is cut silently.
"""

LARGEST_DOCUMENT = 64 * 2**20
"""Bytes of one document. It is kept whole in the casebook and read in memory several times over;
a saved page has less than 2 MB, and the whole Agora list of 109,000 listings about 40 MB."""

LARGEST_JSON = 16 * 2**20
"""Bytes of one value of JSON: as Python objects it may take thirty times as much memory."""

MOST_EXPANSION = 200
"""Times that an archive may be larger unpacked than packed. Pages of one market, which resemble
each other, reach 40; a bomb 1,000 and more."""

FREE_EXPANSION = 256 * 2**20
"""Bytes that are unpacked whatever that ratio: small archives of similar pages compress well."""

MOST_MEMBERS = 100_000
"""Members of one archive, and rows of refusals that they can make."""

LARGEST_DIRECTORY = 16 * 2**20
"""Bytes of a ZIP's own list of members, which is read at once."""

DEEPEST = 3
"""Archives inside archives: a tar in a gz counts as one. Quines that hold themselves end here."""

DEEPEST_FOLDER = 32
"""Folders inside folders."""

LONGEST_NAME = 1_000
"""Characters of a member's name; more of it is cut, since it is a name only and opens nothing."""

MOST_ROWS = 2_000_000
"""Rows of one table."""

MOST_FIELDS = 200
"""Fields of one row."""

LONGEST_HEADER = 64 * 2**10
"""Bytes of the header of a WARC record, or of the long name of a member of a TAR."""

MOST_PIXELS = 50_000_000
"""Pixels of one picture: a large camera's; unpacked it takes 200 MB."""

MOST_CODES = 100
"""Codes read from one picture."""

OCR_SECONDS = 30
"""How long the program that reads letters may take for one picture."""

LONGEST_OCR_TEXT = 1_000_000
"""Characters of what it may answer."""
