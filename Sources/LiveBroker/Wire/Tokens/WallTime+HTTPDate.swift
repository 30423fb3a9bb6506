// SPDX-License-Identifier: Apache-2.0

extension WallTime {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

  /// Reads a `Date` header in the form that RFC 9110 prescribes, `Sun, 06 Nov 1994 08:49:37 GMT`.
  public init?(httpDate text: String) {
    let parts = text.split(separator: " ").map(String.init)
    guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2,
      let month = Self.months.firstIndex(of: parts[2])
    else { return nil }
    let number = WireDuration.padded(UInt64(month + 1), 2)
    self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
  }

  /// The time as a `Date` header; fractions of a second are cut off.
  public var httpDate: String {
    let text = rfc3339
    let seconds = nanosecondsSinceEpoch.flooredDivision(by: 1_000_000_000).quotient
    let weekday = seconds.flooredDivision(by: 86_400).quotient.flooredDivision(by: 7).remainder
    let date = text.prefix(10).split(separator: "-")
    let month = Self.months[(Int(date[1]) ?? 1) - 1]
    let time = text.dropFirst(11).prefix(8)
    return "\(Self.weekdays[Int(weekday)]), \(date[2]) \(month) \(date[0]) \(time) GMT"
  }
}
