"""Lists of every format become tags, and what is no list is refused by name and fault."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.concepts import CONCEPTS
from arien_flows.attribution.formats import FORMATS, READERS, detect, read_tags
from arien_flows.attribution.labels import concepts_of, meanings
from arien_flows.attribution.tag_csv import csv_text
from arien_flows.attribution.terms import Terms
from arien_flows.cli import tags as cli_tags
from arien_flows.errors import InputError
from tests.arien_flows.attribution.test_export import tags

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
OTHER = "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX"
ETHEREUM = "0x52908400098527886e0f7030069857d2e4169ee7"
TERMS = Terms(source="https://example.org/list", licence="MIT", as_of=date(2024, 9, 27))

SDN = f"""\
7,"DOE, John","individual","CYBER2] [SDNTK",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1 Jan 1970; \
Digital Currency Address - XBT {GENESIS}; alt. Digital Currency Address - XBT {OTHER[:9]}"
8,"NOBODY",-0- ,"SDNTK",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0-
"""
COMMENTS = f'7,"{OTHER[9:]}; Digital Currency Address - USDT {ETHEREUM}."\n9,"more"\n'

SDN_XML = f"""<?xml version="1.0"?>
<sdnList xmlns="https://example.org/SDN_XML">
  <publshInformation><Publish_Date>09/27/2024</Publish_Date></publshInformation>
  <sdnEntry><uid>7</uid><firstName>John</firstName><lastName>DOE</lastName>
    <programList><program>CYBER2</program><program>SDNTK</program></programList>
    <idList>
      <id><uid>1</uid><idType>Passport</idType><idNumber>X</idNumber></id>
      <id><uid>2</uid><idType>Digital Currency Address - XBT</idType>
        <idNumber>{GENESIS}</idNumber></id>
    </idList></sdnEntry>
</sdnList>"""

SDN_ADVANCED = f"""<?xml version="1.0"?>
<Sanctions xmlns="https://example.org/ADVANCED_XML">
  <DateOfIssue><Year>2024</Year><Month>9</Month><Day>27</Day></DateOfIssue>
  <ReferenceValueSets><FeatureTypeValues>
    <FeatureType ID="344">Digital Currency Address - XBT</FeatureType>
    <FeatureType ID="8">Birthdate</FeatureType>
  </FeatureTypeValues></ReferenceValueSets>
  <DistinctParties><DistinctParty FixedRef="7"><Profile ID="7"><Identity>
    <Alias Primary="false"><DocumentedName><DocumentedNamePart>
      <NamePartValue>JD</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
    <Alias Primary="true"><DocumentedName>
      <DocumentedNamePart><NamePartValue>John</NamePartValue></DocumentedNamePart>
      <DocumentedNamePart><NamePartValue>DOE</NamePartValue></DocumentedNamePart>
    </DocumentedName></Alias></Identity>
    <Feature FeatureTypeID="344"><FeatureVersion>
      <VersionDetail>{GENESIS}</VersionDetail></FeatureVersion></Feature>
    <Feature FeatureTypeID="8"><FeatureVersion>
      <VersionDetail>1970</VersionDetail></FeatureVersion></Feature>
  </Profile></DistinctParty></DistinctParties>
  <SanctionsEntries><SanctionsEntry ProfileID="7">
    <EntryEvent><Comment>listed</Comment></EntryEvent>
    <SanctionsMeasure><Comment>CYBER2</Comment></SanctionsMeasure></SanctionsEntry>
  </SanctionsEntries>
</Sanctions>"""


def read(text: str, name: str, terms: Terms = TERMS):
    raw = text.encode()
    return read_tags(raw, name, detect(raw, name), terms)


def test_sdn_table__continues_remarks_in_the_comments():
    pack = read(SDN + "\x1a" + COMMENTS + "\x1a", "sdn.csv")
    assert [(tag.address, tag.network, tag.currency) for tag in pack.tags] == [
        (GENESIS, "BTC", "BTC"), (OTHER, "BTC", "BTC"), (ETHEREUM, "ETH", "USDT"),
    ]  # fmt: skip
    first = pack.tags[0]
    assert (first.label, first.confidence) == ("DOE, John", "authority_data")
    assert first.context == '{"sdn_number": "7", "sdn_program": "CYBER2] [SDNTK"}'
    assert (first.source, first.lastmod) == (TERMS.source, TERMS.as_of)
    (fault,) = pack.faults
    assert (fault.number, fault.subject) == (4, "entry 9")


@pytest.mark.parametrize("text", [SDN_XML, SDN_ADVANCED])
def test_sdn_xml__of_either_schema_says_the_same(text):
    pack = read(text, "sdn.xml", Terms())
    (tag,) = pack.tags
    assert (tag.address, tag.label, tag.lastmod) == (GENESIS, "John DOE", date(2024, 9, 27))
    assert '"sdn_number": "7"' in (tag.context or "")
    assert "CYBER2" in (tag.context or "")
    assert "listed" not in (tag.context or "")
    assert tag.concepts == ("sanction", "gov_black_list")


@pytest.mark.parametrize(
    ("text", "form", "fault"),
    [
        (SDN_ADVANCED, "ofac-sdn-xml", "begins with Sanctions, where"),
        (SDN_XML, "ofac-sdn-advanced", "begins with sdnList, where"),
        ("<html><body/></html>", "ofac-sdn-xml", "begins with html, where"),
        ("<sdnList></sdnList>", "ofac-sdn-xml", "no entries"),
        ("", "ofac-sdn-csv", "no entries"),
    ],
)
def test_sdn__of_another_schema_or_without_entries_is_refused(text, form, fault):
    with pytest.raises(InputError, match=fault):
        read_tags(text.encode(), "sdn.xml", form)


def test_sdn_xml__with_entities_of_its_own_is_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>\n' + SDN_XML.removeprefix('<?xml version="1.0"?>\n')
    with pytest.raises(InputError, match="defines entities"):
        read(bomb, "sdn.xml")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (SDN_XML, "ofac-sdn-advanced"),
        (SDN_ADVANCED, "ofac-sdn-xml"),
        ("<html><body>Service unavailable</body></html>", "ofac-sdn-xml"),
    ],
)
def test_sdn_xml__of_another_schema_is_refused_and_not_read_as_nobody(text, form):
    with pytest.raises(InputError, match=r"begins with .*: leave --format out"):
        read_tags(text.encode(), "sdn.xml", form)


@pytest.mark.parametrize(
    ("text", "form", "name"),
    [
        ("<sdnList></sdnList>", "ofac-sdn-xml", "sdn.xml"),
        ("<Sanctions><DistinctParties/></Sanctions>", "ofac-sdn-advanced", "sdn.xml"),
    ],
)
def test_sanctions_list__of_nobody_is_refused(text, form, name):
    with pytest.raises(InputError, match="has no entries"):
        read_tags(text.encode(), name, form)


def test_sdn_xml__of_somebody_without_an_address_has_no_tags():
    text = "<sdnList><sdnEntry><uid>7</uid><lastName>DOE</lastName></sdnEntry></sdnList>"
    assert not read_tags(text.encode(), "sdn.xml", "ofac-sdn-xml").tags


@pytest.mark.parametrize("text", [f"{GENESIS}\n{OTHER}\n", f'["{GENESIS}", "{OTHER}"]'])
def test_address_list__has_its_currency_in_its_name(text):
    name = "sanctioned_addresses_XBT." + ("json" if text[0] == "[" else "txt")
    assert [tag.address for tag in read(text, name).tags] == [GENESIS, OTHER]
    with pytest.raises(InputError, match="give the file a name that ends"):
        read(text, "list." + name.partition(".")[2])


def test_labels__keep_what_they_cannot_be_mapped_to():
    text = f'{{"{ETHEREUM}": {{"name": "N", "labels": ["dex", "odd"]}}, "0x1": {{"name": 5}}}}'
    pack = read(text, "accounts.json")
    (tag,) = pack.tags
    assert (tag.label, tag.concepts, tag.context) == (
        "N",
        ("defi_dex",),
        '{"labels": ["dex", "odd"]}',
    )
    assert pack.faults[0].subject == "0x1"
    assert concepts_of(["odd"]) == ["unknown"]
    assert all(set(concepts) <= CONCEPTS for concepts in meanings().values())


@pytest.mark.parametrize(
    ("text", "label", "concepts"),
    [
        (
            "banned_address,wallet_tag,data_source\n{},Fake,etherscan-heist-list\n",
            "Fake",
            "service_hack",
        ),
        (
            "address,etherscan_tag,etherscan_labels,is_contract\n{},F1,phish-hack,True\n",
            "F1",
            "phishing",
        ),
        (
            "contract_address,contract_tag,contract_creator,contract_creation_tx,"
            "contract_creator_tag,source,notes,contract_creator_etherscan_label\n"
            "{},,0xab,0xcd,Thief,s,,exploit\n",
            "Thief",
            "exploit",
        ),
    ],
)  # fmt: skip
def test_forta__tables_of_each_kind(text, label, concepts):
    (tag,) = read(text.format(ETHEREUM), "forta.csv").tags
    assert (tag.address, tag.label, tag.concepts) == (ETHEREUM, label, (concepts,))


def test_mining_pools__of_either_form_say_the_same():
    new = (
        f'[{{"id": 1, "name": "P", "addresses": ["{GENESIS}"], "tags": ["/P/"]}}, {{"name": "Q"}}]'
    )
    old = (
        f'{{"payout_addresses": {{"{GENESIS}": {{"name": "P", "id": 1}}}}, '
        '"coinbase_tags": {"/P/": {"name": "P"}}}'
    )
    (tag,) = read(new, "pools.json").tags
    assert read(old, "pools.json").tags == (tag,)
    assert (tag.label, tag.concepts) == ("P", ("mining_pool",))
    assert tag.context == '{"coinbase_tags": ["/P/"], "pool": 1}'


def test_csv__refuses_a_column_that_would_be_lost():
    with pytest.raises(InputError, match="the column 'colour' is unknown; the columns are address"):
        read(f"address,label,colour\n{GENESIS},L,red\n", "tags.csv")
    with pytest.raises(InputError, match="--source"):
        read(f"address,label\n{GENESIS},L\n", "tags.csv", Terms())


def test_csv__lists_faulty_rows_and_keeps_the_others():
    rows = (
        f"{GENESIS},L,hosted-wallet;vendor\n{OTHER},,\n{OTHER},L,bankster\n{OTHER}\n{ETHEREUM},E,\n"
    )
    pack = read("address,label,concepts\n" + rows, "tags.csv")
    first, last = pack.tags
    assert (first.concepts, first.currency) == (("hosted_wallet", "vendor"), "BTC")
    assert (last.currency, last.creator) == ("ETH", TERMS.source)
    assert [fault.number for fault in pack.faults] == [2, 3, 4]


@given(st.lists(tags, min_size=1, max_size=4))
def test_csv__is_read_back_as_the_same_tags(found):
    text = "".join(csv_text(found))
    pack = read_tags(text.encode(), "tags.csv", "csv")
    told = [(tag.address, tag.statement) for tag in pack.tags]
    assert (pack.faults, told) == ((), [(tag.address, tag.statement) for tag in found])


@given(st.binary(max_size=200), st.sampled_from([*READERS, "auto"]))
def test_read_tags__of_anything_ends_in_a_pack_or_one_line(raw, form):
    said = ""
    try:
        chosen = detect(raw, "x_XBT.csv") if form == "auto" else form
        if chosen in READERS:
            read_tags(raw, "x_XBT.csv", chosen)
    except InputError as error:
        said = str(error)
    assert "\n" not in said


def test_formats__are_those_that_the_command_line_names():
    assert cli_tags.FORMATS == FORMATS


def test_real_lists__are_read_whole(shared_data):
    raw = b"".join(
        (shared_data / "tags_ofac" / f"watchman_internal_ofactest_testdata_{name}.csv").read_bytes()
        for name in ("sdn", "sdn_comments")
    )
    pack = read_tags(raw, "sdn.csv", detect(raw, "sdn.csv"))
    assert (len(pack.tags), pack.faults) == (32, ())
    for name, count in (
        ("tags_ofac/sanctioned_addresses_XBT.json", 435),
        ("tags_eth/forta_malicious_smart_contracts.csv", 753),
        ("tags_misc/mining_pools.json", 200),
    ):
        raw = (shared_data / name).read_bytes()
        assert len(read_tags(raw, name, detect(raw, name)).numbers) == count
