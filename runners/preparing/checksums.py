"""Check digits of numbers that belong to people: an order number must not be taken for one. Standard library only."""

import re
from datetime import date

_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINESE_CHECKS = "10X98765432"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
#: Lengths of account numbers by country (SWIFT's registry of IBANs).
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip
#: First digits of card numbers by scheme, and their lengths.
_CARDS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile(r"5018|5020|5038|6304|6759|676[1-3]"), (16, 17, 18, 19)),  # Maestro
)
# Verhoeff's dihedral group: products, and the permutation of a position.
_PRODUCTS = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def digits_of(text: str) -> str:
    """Return the digits of a text without what separates them."""
    return "".join(character for character in text if character.isdigit())


def is_card(text: str) -> bool:
    """Say whether a number is a payment card's: a scheme's prefix and length, and Luhn's sum (ISO/IEC 7812-1)."""
    digits = digits_of(text)
    fits = any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _CARDS)
    return fits and len(set(digits)) > 1 and luhn(digits)


def luhn(digits: str) -> bool:
    """Say whether Luhn's sum holds."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Say whether a text is an IBAN: its country's length, and remainder 1 of 97 (ISO 13616)."""
    compact = "".join(text.split()).upper()
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_chinese_id(text: str) -> bool:
    """Say whether 18 characters are a Chinese resident's number: a date of birth and the check digit of GB 11643."""
    number = text.upper()
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _CHINESE_WEIGHTS, strict=True))
    return _is_birth(number[6:14]) and _CHINESE_CHECKS[total % 11] == number[17]


def is_old_chinese_id(text: str) -> bool:
    """Say whether 15 digits are a Chinese resident's number as issued before 1999: it has no check digit."""
    return text[:2] in {"11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41",
                        "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64",
                        "65"} and _is_birth("19" + text[6:12])  # fmt: skip


def is_social_security(text: str) -> bool:
    """Say whether 9 digits are a number that the US Social Security Administration issues."""
    area, group, serial = (part for part in re.split(r"[ -]", text))
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_dni(text: str) -> bool:
    """Say whether a text is a Spanish DNI or NIE: its letter follows from its number."""
    number, letter = text.upper().replace("-", "")[:-1], text[-1].upper()
    return letter == _DNI_LETTERS[int(number.translate(str.maketrans("XYZ", "012"))) % 23]


def is_french_nir(text: str) -> bool:
    """Say whether 15 characters are a French NIR: its key is 97 less the remainder (2A and 2B are Corsica)."""
    number = "".join(text.split()).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(number[:13]) % 97 == int(number[13:])


def is_cpf(text: str) -> bool:
    """Say whether 11 digits are a Brazilian CPF: two check digits."""
    digits = [int(digit) for digit in digits_of(text)]
    if len(set(digits)) == 1:
        return False
    for count in (9, 10):
        total = sum(digit * weight for digit, weight in zip(digits[:count], range(count + 1, 1, -1), strict=True))
        if total * 10 % 11 % 10 != digits[count]:
            return False
    return True


def is_aadhaar(text: str) -> bool:
    """Say whether 12 digits are an Indian Aadhaar number: Verhoeff's check, no 0 or 1 in front."""
    digits, check = digits_of(text), 0
    for index, digit in enumerate(reversed(digits)):
        check = int(_PRODUCTS[check][int(_PERMUTED[index % 8][int(digit)])])
    return digits[0] not in "01" and check == 0


def _is_birth(text: str) -> bool:
    try:
        born = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return born.year >= 1900
