// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// Reads a number by the JSON grammar. Integral values that fit become `.integer`, whatever their
  /// spelling, so that a value has one form.
  mutating func number() throws(WireError) -> JSONValue {
    let start = index
    let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    let magnitude = try integerDigits()
    guard index < bytes.count, isFractionOrExponent(bytes[index]) else {
      guard let magnitude, let integer = Self.signed(magnitude, negative: isNegative) else {
        return try double(from: start)
      }
      return .integer(integer)
    }
    try skipFraction()
    try skipExponent()
    return try double(from: start)
  }

  private func isFractionOrExponent(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
  }

  private static func signed(_ magnitude: UInt64, negative: Bool) -> Int64? {
    if negative {
      return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }
    return Int64(exactly: magnitude)
  }

  /// Reads the digits before a fraction; nil if their value does not fit 64 bits.
  private mutating func integerDigits() throws(WireError) -> UInt64? {
    let start = index
    var value: UInt64? = 0
    while let digit = nextDigit() {
      if let sum = value {
        let (product, overflow) = sum.multipliedReportingOverflow(by: 10)
        let (next, carry) = product.addingReportingOverflow(UInt64(digit))
        value = overflow || carry ? nil : next
      }
    }
    guard index > start else { throw unexpected() }
    if bytes[start] == UInt8(ascii: "0"), index > start + 1 {
      throw WireError(.invalidNumber, offset: start)
    }
    return value
  }

  private mutating func nextDigit() -> UInt8? {
    guard index < bytes.count else { return nil }
    let digit = bytes[index] &- UInt8(ascii: "0")
    guard digit < 10 else { return nil }
    index += 1
    return digit
  }

  private mutating func skipDigits() throws(WireError) {
    guard nextDigit() != nil else { throw unexpected() }
    while nextDigit() != nil {}
  }

  private mutating func skipFraction() throws(WireError) {
    guard index < bytes.count, bytes[index] == UInt8(ascii: ".") else { return }
    index += 1
    try skipDigits()
  }

  private mutating func skipExponent() throws(WireError) {
    guard index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") else { return }
    index += 1
    if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
      index += 1
    }
    try skipDigits()
  }

  private func double(from start: Int) throws(WireError) -> JSONValue {
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      throw WireError(.invalidNumber, offset: start)
    }
    // Beyond 2^53 a double no longer says which integer was meant.
    if abs(value) <= 9_007_199_254_740_992, let integer = Int64(integral: value) {
      return .integer(integer)
    }
    return .number(value)
  }
}
