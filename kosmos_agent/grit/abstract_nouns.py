"""Nouns that no box fits: our own list, since the paper's is unpublished but for time, love and freedom.

Singular forms; a chunk is looked up by its root's lemma and its root as written. The list is short on purpose: what
it lets through, the detector's score still judges. Words with a common concrete sense (light, glass, party, work)
are left out.
"""

from __future__ import annotations

_TIME = """
    time year month week weekend day today tomorrow yesterday hour minute moment second morning afternoon evening
    night noon midnight season spring summer autumn fall winter date age era century decade future past present
    history beginning end monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december
"""
_MIND = """
    love hate freedom happiness joy sadness anger fear hope faith trust peace pride passion pleasure pain stress mood
    feeling emotion desire dream memory mind thought idea concept belief opinion knowledge wisdom truth lie soul
    spirit imagination inspiration attention interest curiosity patience courage luck fun humor humour
"""
_SOCIETY = """
    life death health success failure power justice law right duty rule policy economy business education
    communication culture religion tradition politics democracy war friendship marriage relationship community
    society security safety privacy service experience career skill job
"""
_MATTERS = """
    thing something anything nothing everything fact reason cause result effect example case matter problem solution
    question answer way method process system theory science information detail news story plan project purpose goal
    chance opportunity possibility ability quality difference change growth progress development activity action
    event situation condition state context subject topic issue theme
"""
_MEASURES = """
    number amount quantity lot couple pair kind type sort variety range level degree rate size length width height
    weight price cost value percent percentage discount total rest part half bit piece series set group selection
    collection
"""
_PLACES_IN_A_PICTURE = """
    left right front back top bottom middle center centre side edge corner foreground background distance direction
    place position location area view
"""
_THE_PICTURE_ITSELF = """
    image picture photo photograph photography illustration drawing painting sketch render rendering artwork art
    design style version copy stock vector clipart wallpaper template closeup shot scene
"""

ABSTRACT_NOUNS: frozenset[str] = frozenset(
    " ".join((_TIME, _MIND, _SOCIETY, _MATTERS, _MEASURES, _PLACES_IN_A_PICTURE, _THE_PICTURE_ITSELF)).split()
)
