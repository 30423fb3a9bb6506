// SPDX-License-Identifier: Apache-2.0

/// An enum of the protocol that may grow: known values are static members, unknown ones are kept.
///
/// The service sends names in upper case; the first-party SDK also reads them in lower case
/// (live-api.md C.1), so ASCII letters are folded when read. A value that the service itself knows
/// only by its number comes as a number, is kept as its digits, and is written as a number again.
protocol OpenEnum: WireValue, RawRepresentable, Codable, CustomStringConvertible
where RawValue == String {
  init(rawValue: String)
}

extension OpenEnum {
  static func readWire(_ json: JSONValue) throws(WireError) -> Self {
    switch json {
    case .string(let name): return Self(rawValue: name.uppercasedASCII)
    case .integer(let number): return Self(rawValue: String(number))
    default: throw WireError(.typeMismatch)
    }
  }
  func writeWire(to writer: inout ByteWriter) {
    // No name begins like a number, so this looks further only at what is one.
    if let first = rawValue.utf8.first, first <= UInt8(ascii: "9"), let number = Int64(rawValue) {
      writer.raw(ascii: String(number))
    } else {
      writer.string(rawValue)
    }
  }
  var isWireDefault: Bool { rawValue.isEmpty }
  /// The name on the wire.
  public var description: String { rawValue }
}

extension String {
  /// The text with its ASCII letters in upper case.
  var uppercasedASCII: String {
    guard utf8.contains(where: { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) else {
      return self
    }
    return String(
      decoding: utf8.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 32 : $0 },
      as: UTF8.self)
  }
}
