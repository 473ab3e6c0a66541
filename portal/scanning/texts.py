"""Every sentence the station says, translated here and handed to its scripts."""

from flask_babel import gettext as _


def station_texts() -> dict[str, str]:
    """Sentences by the name the scripts use; `{name}` is filled in by them."""
    return {
        "no_tube": _("No tube yet"),
        "name_follows": _("Name follows from the server"),
        "scan_tube": _("Scan the tube"),
        "scan_person": _("Scan the person's code"),
        "scan_next_tube": _("The tube is full: scan the next tube"),
        "same_tube": _("Tube {code} is already open: scan the people"),
        "tube_used": _("Tube {code} was closed already. Take a new tube."),
        "tube_open": _("Tube {code} is open: scan the people"),
        "tube_first": _("Scan a tube first, then the people"),
        "person_in_tube_box": _("This is a person's code. Scan the tube first."),
        "already_in_tube": _("{name} is in this tube already"),
        "tube_full": _("The tube holds {count} people at most. Scan the next tube."),
        "symptomatic_alone": _("A person with symptoms gets a tube alone. Scan a new tube first."),
        "over_size": _("More than {size} people in this tube; it still counts"),
        "person_added": _("{name}: taken down"),
        "nothing_to_undo": _("There is nothing to take back in this tube"),
        "undone": _("Taken back: {name}"),
        "slip_scanned": _("This is a result slip, not a person's code"),
        "tube_unknown": _("This tube label is not registered. Take a label of this site."),
        "tube_sealed": _("Tube closed"),
        "form_incomplete": _("Name and year of birth are needed"),
        "empty": _("Nothing was scanned"),
        "unknown": _("This code was not recognised. Type the person in with F2."),
        "foreign_address": _("This is an address of another system. Type the person in with F2."),
        "other_code": _("This code belongs to another page, not to sampling"),
        "keyboard_driver": _(
            "The Vietnamese keyboard driver changed the code. Switch Unikey to English and"
            " scan again."
        ),
        "hc1_unverified": _("HC1 certificate: its signature was not verified, compare the name"),
        "hc1_verified": _("{name}: HC1 certificate of a trusted signer"),
        "camera": _("The camera is not available. Use the scanner or the form (F2)."),
        "photo_unreadable": _("No code was found in the photo. Come closer, avoid glare."),
        "online": _("Network: good"),
        "offline": _("No network: kept on this device, sent later"),
        "refused_by_server": _("The server refuses this device ({status}). Call the site manager."),
    }


def rapid_texts() -> dict[str, str]:
    """What the station of rapid tests says besides."""
    return {
        "no_lot": _(
            "No rapid test lot may be used today. The site manager registers one under"
            " Rapid test lots."
        ),
        "scan_label": _("Scan the label on the test cassette"),
        "label_open": _("Label {code}: scan the person"),
        "label_first": _("Scan the label of a new cassette first, then the person"),
        "test_begun": _("{name}: read after {minutes} minutes"),
        "due": _("Time to read: {name}"),
        "too_early": _("Too early: {time} more until the test may be read"),
        "too_late": _("Too late to read: only «invalid» may be noted, and the test is repeated"),
        "read_now": _("Read the test of {name}"),
        "confirm_now": _("Confirm the test of {name}"),
        "first_said": _("The first person read: {outcome}. What do you see?"),
        "confirm_differs": _(
            "The first person read something else. Look again; press K if you still differ."
        ),
        "own_reading": _("You read this test yourself: somebody else must confirm it."),
        "read_noted": _("{name}: {outcome}. A second person confirms."),
        "released": _("{name}: {outcome}, released"),
        "differ": _("{name}: the two readings differ, the test is repeated"),
        "to_read": _("read at {time}"),
        "read_late": _("time to read"),
        "to_confirm": _("{outcome}: a second person confirms"),
        "wait_second": _("{outcome}: waits for a second person"),
        "act_read": _("Read"),
        "act_confirm": _("Confirm"),
        "act_pcr": _("RT-PCR sample"),
        "act_repeat": _("Repeat"),
        "pcr_label": _("{name}: scan a new tube for the RT-PCR sample"),
        "repeat_label": _("{name}: scan the label of a new cassette"),
        "pcr_taken": _("{name}: RT-PCR sample taken, tube {code}"),
        "no_pcr_session": _(
            "No RT-PCR session is open at this site today. The site manager opens one."
        ),
        "no_name": _("The name has not come from the server yet. Wait for the network."),
        "one_key": _("Confirm or close the test on the screen first"),
        "undone_test": _("Taken back: {name}"),
        "nothing_unread": _("There is no test to take back"),
        "positive": _("positive"),
        "negative": _("negative"),
        "invalid": _("invalid"),
        "inconclusive": _("inconclusive"),
    }
