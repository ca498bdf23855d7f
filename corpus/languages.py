"""Language tags: what the catalogue may give as the language of a document."""

from __future__ import annotations

import re

# ISO 639-1, two letters a language, with the three letters that ISO 639-2 has for the same one.
_CODES = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak
be:bel bg:bul bi:bis bm:bam bn:ben bo:bod br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre
cs:ces cu:chu cv:chv cy:cym da:dan de:deu dv:div dz:dzo ee:ewe el:ell en:eng eo:epo es:spa
et:est eu:eus fa:fas ff:ful fi:fin fj:fij fo:fao fr:fra fy:fry ga:gle gd:gla gl:glg gn:grn
gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:hye hz:her ia:ina id:ind
ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl it:ita iu:iku ja:jpn jv:jav ka:kat kg:kon ki:kik
kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat
lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri mk:mkd ml:mal
mn:mon mr:mar ms:msa mt:mlt my:mya na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld nn:nno no:nor
nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por
qu:que rm:roh rn:run ro:ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk
sl:slv sm:smo sn:sna so:som sq:sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel
tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig
uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho
zu:zul
"""
# The other three letters that libraries write for some of them.
_LIBRARIES_CODES = """
sq:alb hy:arm eu:baq my:bur zh:chi cs:cze nl:dut fr:fre ka:geo de:ger el:gre is:ice mk:mac
mi:mao ms:may fa:per ro:rum sk:slo bo:tib cy:wel
"""
_PAIRS = [pair.split(":") for pair in (_CODES + _LIBRARIES_CODES).split()]
_TWO_LETTERS = {short for short, _ in _PAIRS}
_SHORTER = {long: short for short, long in _PAIRS}
# A language, then perhaps a script, a country or region, and variants, as BCP 47 orders them. Tags
# are compared as they are written, so the language has to be in small letters.
_TAG = re.compile(
    r"([a-z]{2,3})(?i:-[a-z]{4})?(?i:-(?:[a-z]{2}|\d{3}))?(?i:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*",
    re.ASCII,
)


def is_language_tag(text: str) -> bool:
    """Tell whether a text is a BCP 47 tag of a language, such as ``en``, ``pt-BR`` or ``arz``.

    Two letters must be in ISO 639-1, which is closed and holds fewer than 200. Of three letters
    there are thousands, and more each year: any will do, unless the language has two.
    """
    found = _TAG.fullmatch(text)
    return found is not None and (
        found[1] in _TWO_LETTERS or (len(found[1]) > 2 and found[1] not in _SHORTER)  # noqa: PLR2004
    )


def meant_tag(text: str) -> str | None:
    """Return the tag that a wrong one stands for, as ``en`` for ``EN`` or ``eng``, if any."""
    tag = text.strip().replace("_", "-")
    language, _, rest = tag.partition("-")
    language = _SHORTER.get(language.lower(), language.lower())
    tag = f"{language}-{rest}" if rest else language
    return tag if is_language_tag(tag) else None
