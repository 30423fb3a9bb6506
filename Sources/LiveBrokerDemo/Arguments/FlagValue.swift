// SPDX-License-Identifier: Apache-2.0

/// Readers for the values of flags. Each refuses with a message that names what it found and what
/// it wanted.
enum FlagValue {
  /// A whole number within a range.
  static func integer<Number: FixedWidthInteger & CustomStringConvertible>(
    _ text: String, in range: ClosedRange<Number>
  ) throws(UsageError) -> Number {
    guard isWholeNumber(text) else { throw UsageError("'\(text)' is not a whole number") }
    // Too many digits for the type is the same mistake as one that is too large for the range.
    guard let number = Number(text), range.contains(number) else {
      throw UsageError("\(text) is not within \(range.lowerBound) and \(range.upperBound)")
    }
    return number
  }

  /// A decimal number within a range; without exponent, infinity or hexadecimal.
  static func decimal(_ text: String, in range: ClosedRange<Double>) throws(UsageError) -> Double {
    guard let number = plainDecimal(text) else { throw UsageError("'\(text)' is not a number") }
    guard range.contains(number) else {
      throw UsageError(
        "\(text) is not within \(decimalText(range.lowerBound)) and \(decimalText(range.upperBound))"
      )
    }
    return number
  }

  /// A length of time: `50ms`, `1.5s`, `10m`, `250us`; a plain number counts milliseconds.
  static func duration(
    _ text: String, in range: ClosedRange<Duration>
  ) throws(UsageError) -> Duration {
    let units: [(suffix: String, nanoseconds: Double)] = [
      ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
    ]
    let unit = units.first { text.hasSuffix($0.suffix) }
    let digits = text.dropLast(unit?.suffix.count ?? 0)
    guard let number = plainDecimal(String(digits)) else {
      throw UsageError("'\(text)' is not a duration; write it like 50ms, 1.5s or 10m")
    }
    let nanoseconds = (number * (unit?.nanoseconds ?? 1e6)).rounded()
    guard abs(nanoseconds) < 1e18 else { throw UsageError("\(text) is too long") }
    let duration = Duration.nanoseconds(Int64(nanoseconds))
    guard range.contains(duration) else {
      throw UsageError(
        "\(text) is not within \(durationText(range.lowerBound)) and "
          + durationText(range.upperBound))
    }
    return duration
  }

  /// One of a few words.
  static func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ text: String
  ) throws(UsageError) -> Choice {
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    throw UsageError(
      "'\(text)' is not one of \(names.joined(separator: ", "))",
      suggestion: nearestName(to: text, among: names))
  }

  private static func isWholeNumber(_ text: String) -> Bool {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    return !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
  }

  private static func plainDecimal(_ text: String) -> Double? {
    let allowed = Set("0123456789.-".utf8)
    guard text.utf8.allSatisfy(allowed.contains), let number = Double(text) else { return nil }
    return number.isFinite ? number : nil
  }
}

/// A number without needless decimals: `65`, `0.1`, `12.345`; at most three decimals.
func decimalText(_ number: Double) -> String {
  guard number.isFinite, abs(number) < 9e14 else { return "\(number)" }
  let thousandths = Int64((number * 1000).rounded())
  let sign = thousandths < 0 ? "-" : ""
  let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1000)
  guard rest != 0 else { return "\(sign)\(whole)" }
  var decimals = String(String(rest + 1000).dropFirst())
  while decimals.hasSuffix("0") { decimals.removeLast() }
  return "\(sign)\(whole).\(decimals)"
}

/// A duration in the unit that a person would choose: `50ms`, `1.5s`, `10m`.
func durationText(_ duration: Duration) -> String {
  let seconds = duration / .seconds(1)
  if seconds == 0 { return "0" }
  if abs(seconds) < 1 { return "\(decimalText(seconds * 1000))ms" }
  if abs(seconds) < 120 { return "\(decimalText(seconds))s" }
  return "\(decimalText(seconds / 60))m"
}
