// SPDX-License-Identifier: Apache-2.0

extension WallTime {
  /// Reads an RFC 3339 timestamp with any offset; digits beyond nanoseconds are cut off.
  ///
  /// A timestamp without an offset is taken as UTC: the Python SDK writes one for a naive datetime
  /// (live-api.md A.2). Nil for anything malformed and for years that 64 bits of nanoseconds cannot
  /// hold (before 1678 and after 2261).
  public init?(rfc3339 text: String) {
    var scanner = DigitScanner(Array(text.utf8))
    guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2),
      scanner.skip("-"), let day = scanner.digits(2), scanner.skipAny("Tt "),
      let hour = scanner.digits(2), scanner.skip(":"), let minute = scanner.digits(2),
      scanner.skip(":"), let second = scanner.digits(2),
      let nanoseconds = scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd,
      (1678...2261).contains(year), (1...12).contains(month),
      (1...Self.days(inMonth: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let days = Self.daysSinceEpoch(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    self.init(nanosecondsSinceEpoch: seconds * 1_000_000_000 + nanoseconds)
  }

  /// The time as RFC 3339 in UTC with `Z` and 0, 3, 6 or 9 decimals, as protobuf writes it.
  public var rfc3339: String {
    let (seconds, nanoseconds) = nanosecondsSinceEpoch.flooredDivision(by: 1_000_000_000)
    let (days, secondOfDay) = seconds.flooredDivision(by: 86_400)
    let (year, month, day) = Self.calendar(daysSinceEpoch: days)
    func two(_ value: Int64) -> String { WireDuration.padded(value.magnitude, 2) }
    let date = "\(WireDuration.padded(year.magnitude, 4))-\(two(month))-\(two(day))"
    let time = "\(two(secondOfDay / 3_600)):\(two(secondOfDay / 60 % 60)):\(two(secondOfDay % 60))"
    return "\(date)T\(time)\(WireDuration.fraction(nanoseconds.magnitude))Z"
  }

  private static func isLeap(_ year: Int64) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar; years are counted from March so that
  /// the leap day comes last.
  private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func calendar(
    daysSinceEpoch days: Int64
  ) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}

extension Int64 {
  /// Quotient and remainder with a remainder that is never negative.
  func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// Walks over the digits of a timestamp.
private struct DigitScanner {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { index == bytes.count }
  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func digit() -> Int64? {
    guard let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    index += 1
    return Int64(byte - UInt8(ascii: "0"))
  }

  mutating func digits(_ count: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<count {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  mutating func skipAny(_ characters: String) -> Bool {
    guard let byte = next, characters.utf8.contains(byte) else { return false }
    index += 1
    return true
  }

  /// Nanoseconds of an optional fraction.
  mutating func fraction() -> Int64? {
    guard skip(".") else { return 0 }
    guard var value = digit() else { return nil }
    var digits = 1
    while let digit = digit() {
      if digits < 9 { value = value * 10 + digit }
      digits += 1
    }
    for _ in 0..<max(0, 9 - digits) { value *= 10 }
    return value
  }

  /// Seconds east of UTC; none means UTC.
  mutating func offset() -> Int64? {
    if isAtEnd || skipAny("Zz") { return 0 }
    let isWest = next == UInt8(ascii: "-")
    guard skipAny("+-"), let hours = digits(2), skip(":"), let minutes = digits(2),
      hours < 24, minutes < 60
    else { return nil }
    return (isWest ? -1 : 1) * (hours * 3_600 + minutes * 60)
  }
}
