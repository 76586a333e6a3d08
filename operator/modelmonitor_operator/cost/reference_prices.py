"""What GPUs cost in public price lists at a date: never charged, only held against a price to see whether it is sane.

A figure is one of many: regions and clouds differ by a factor of two, which the band leaves room for. It catches a
price by the month, by the node of eight, or in another currency.
"""

from dataclasses import dataclass
from decimal import Decimal

from modelmonitor_api.spec_cost import Currency

AS_OF = "2025-11"
LEAST, MOST = Decimal("0.2"), Decimal(5)
"""A price outside this multiple of the reference is warned of."""


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """One GPU's price on demand, in US dollars an hour.

    Attributes:
        words: all of them are in NVML's product name, in any case.
        instance: the machine whose list price was divided by its GPUs.
    """

    words: tuple[str, ...]
    usd_per_hour: Decimal
    instance: str


_AWS = "https://aws.amazon.com/ec2/pricing/on-demand/ (us-east-1)"
SOURCES = (_AWS, "https://cloud.google.com/compute/gpus-pricing")
REFERENCE_PRICES = (
    ReferencePrice(("B200",), Decimal("14.24"), "p6-b200.48xlarge"),
    ReferencePrice(("H200",), Decimal("7.91"), "p5en.48xlarge"),
    ReferencePrice(("H100",), Decimal("6.88"), "p5.48xlarge"),
    ReferencePrice(("A100", "80GB"), Decimal("3.43"), "p4de.24xlarge"),
    ReferencePrice(("A100",), Decimal("2.75"), "p4d.24xlarge"),
    ReferencePrice(("L40S",), Decimal("1.86"), "g6e.xlarge"),
    ReferencePrice(("A10G",), Decimal("1.01"), "g5.xlarge"),
    ReferencePrice(("A10",), Decimal("1.01"), "g5.xlarge"),
    ReferencePrice(("L4",), Decimal("0.80"), "g6.xlarge"),
    ReferencePrice(("T4",), Decimal("0.53"), "g4dn.xlarge"),
    ReferencePrice(("V100",), Decimal("3.06"), "p3.2xlarge"),
)
"""The first whose words are all there counts."""

PER_USD = {
    Currency.AED: "3.7", Currency.AUD: "1.5", Currency.BRL: "5.4", Currency.CAD: "1.4", Currency.CHF: "0.8",
    Currency.CLP: "950", Currency.CNY: "7.1", Currency.COP: "3900", Currency.CZK: "21", Currency.DKK: "6.4",
    Currency.EUR: "0.86", Currency.GBP: "0.76", Currency.HKD: "7.8", Currency.HUF: "330", Currency.IDR: "16600",
    Currency.ILS: "3.3", Currency.INR: "88", Currency.JPY: "154", Currency.KRW: "1450", Currency.MXN: "18.5",
    Currency.MYR: "4.2", Currency.NOK: "10", Currency.NZD: "1.75", Currency.PHP: "58", Currency.PLN: "3.7",
    Currency.RON: "4.4", Currency.SAR: "3.75", Currency.SEK: "9.5", Currency.SGD: "1.3", Currency.THB: "32",
    Currency.TRY: "42", Currency.TWD: "31", Currency.USD: "1", Currency.VND: "26300", Currency.ZAR: "17.2",
}  # fmt: skip
"""Units of a currency for one US dollar, rounded, of the same date: good for the band and nothing else.
Source: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/ and central banks."""


def reference_price(gpu_model: str, currency: Currency) -> Decimal | None:
    """The reference for a GPU in a currency; None for a GPU that the table does not have."""
    words = gpu_model.upper().replace("-", " ").split()
    for row in REFERENCE_PRICES:
        if all(word in words for word in row.words):
            return row.usd_per_hour * Decimal(PER_USD[currency])
    return None


def is_sane(price: Decimal, reference: Decimal) -> bool:
    """Whether a price lies within the band around its reference."""
    return LEAST * reference <= price <= MOST * reference
