// SPDX-License-Identifier: Apache-2.0

/// Durations as protobuf JSON has them: seconds with up to nine decimals and an `s`.
enum WireDuration {
  /// The limit of protobuf durations, in seconds: 10,000 years.
  private static let maximumSeconds: Int64 = 315_576_000_000
  private static let range = Duration.seconds(-maximumSeconds)...Duration.seconds(maximumSeconds)

  /// Reads `"50s"`, `"9.500s"`, `"-1s"`, and the object form `{"seconds": "9", "nanos": 500000000}`.
  static func read(_ json: JSONValue) throws(WireError) -> Duration {
    switch json {
    case .string(let text):
      guard let duration = parse(text.utf8) else { throw WireError(.invalidDuration) }
      return duration
    case .object(let object):
      let seconds = try part("seconds", of: object)
      let nanoseconds = try part("nanos", of: object)
      guard seconds.magnitude <= maximumSeconds, nanoseconds.magnitude < 1_000_000_000 else {
        throw WireError(.invalidDuration)
      }
      let duration = Duration.seconds(seconds) + .nanoseconds(nanoseconds)
      guard range.contains(duration) else { throw WireError(.invalidDuration) }
      return duration
    default:
      throw WireError(.typeMismatch)
    }
  }

  private static func part(
    _ name: String, of object: JSONObject
  ) throws(WireError) -> Int64 {
    guard let value = object[name], value != .null else { return 0 }
    return try Int64.readWire(value)
  }

  /// Reads the string form; nil if it is malformed or beyond protobuf's range.
  static func parse(_ text: some BidirectionalCollection<UInt8>) -> Duration? {
    var rest = text[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    guard rest.last == UInt8(ascii: "s") else { return nil }
    rest = rest.dropLast()
    var seconds: Int64 = 0
    var wholeDigits = 0
    while let digit = digit(rest.first) {
      seconds = seconds * 10 + digit
      guard seconds <= maximumSeconds else { return nil }
      wholeDigits += 1
      rest = rest.dropFirst()
    }
    var nanoseconds: Int64 = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard !rest.isEmpty, rest.count <= 9 else { return nil }
      var unit: Int64 = 100_000_000
      while let digit = digit(rest.first) {
        nanoseconds += digit * unit
        unit /= 10
        rest = rest.dropFirst()
      }
    }
    guard rest.isEmpty, wholeDigits > 0 else { return nil }
    let magnitude = Duration.seconds(seconds) + .nanoseconds(nanoseconds)
    guard range.contains(magnitude) else { return nil }
    return isNegative ? .zero - magnitude : magnitude
  }

  private static func digit(_ byte: UInt8?) -> Int64? {
    guard let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    return Int64(byte - UInt8(ascii: "0"))
  }

  /// Writes the string form with 0, 3, 6 or 9 decimals, as protobuf does; less than a nanosecond is
  /// cut off.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = (attoseconds / 1_000_000_000).magnitude
    let sign = duration <= .nanoseconds(-1) ? "-" : ""
    return sign + String(seconds.magnitude) + fraction(nanoseconds) + "s"
  }

  /// The shortest of 0, 3, 6 and 9 decimals that keeps the value, with its point.
  static func fraction(_ nanoseconds: UInt64) -> String {
    if nanoseconds == 0 { return "" }
    if nanoseconds % 1_000_000 == 0 { return "." + padded(nanoseconds / 1_000_000, 3) }
    if nanoseconds % 1_000 == 0 { return "." + padded(nanoseconds / 1_000, 6) }
    return "." + padded(nanoseconds, 9)
  }

  /// Decimal digits with leading zeros.
  static func padded(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
