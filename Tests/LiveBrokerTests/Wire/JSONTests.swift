// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LiveBroker

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(decoding: Array(text.utf8))
  }

  @Test(
    arguments: [
      ("40", .integer(40)), ("40.0", .integer(40)), ("4e1", .integer(40)), ("-0", .integer(0)),
      ("0.5", .number(0.5)), ("-12.25e-2", .number(-0.1225)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .number(0x1p63)), ("1e300", .number(1e300)),
    ] as [(String, JSONValue)])
  func numbersAreReadByValue(_ text: String, _ value: JSONValue) throws {
    #expect(try parse(text) == value)
    #expect(try JSONValue(decoding: value.encoded()) == value)
  }

  @Test(
    arguments: [
      "", " ", "{", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", ".5", "+1", "1e",
      "-",
      "1e400", "nul", "tru", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\nb\"", "1 2", "{}{}",
      "NaN",
    ])
  func whatIsNotJSONIsRefused(_ text: String) {
    #expect(throws: WireError.self) { try parse(text) }
  }

  @Test(
    arguments: [
      (#""\u0041\/\b\f\n\r\t\\\"""#, "A/\u{8}\u{C}\n\r\t\\\""), (#""\ud83d\udc0e""#, "🐎"),
      (#""\ud83d""#, "\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"), (#""\udc0e""#, "\u{FFFD}"),
      (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""žluťoučký""#, "žluťoučký"),
    ])
  func escapesAreUnescaped(_ text: String, _ value: String) throws {
    #expect(try parse(text) == .string(value))
    #expect(try JSONValue(decoding: JSONValue.string(value).encoded()) == .string(value))
  }

  @Test func stringsThatAreNotUTF8AreRefusedWithTheirPlace() {
    let bytes: [UInt8] = [0x5B, 0x22, 0xC3, 0x28, 0x22, 0x5D]
    let error = #expect(throws: WireError.self) { try JSONValue(decoding: bytes) }
    #expect(error == WireError(.invalidUTF8, offset: 2))
  }

  @Test func everyByteOfAStringSurvivesWhereverItStands() throws {
    // Longer than the eight bytes that are looked at together, at every offset.
    for offset in 0..<20 {
      for scalar in (0..<0x80).compactMap(Unicode.Scalar.init(_:)) as [Unicode.Scalar] {
        let text = String(repeating: "x", count: offset) + String(scalar) + "yyyyyyyyyyé"
        let bytes = JSONValue.string(text).encoded()
        #expect(try JSONValue(decoding: bytes) == .string(text))
        #expect(try PlainJSON(bytes) == .string(text))
      }
    }
  }

  @Test func nestingIsLimitedAndNeverTraps() throws {
    let limit = JSONValue.maximumDepth
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(throws: Never.self) { try JSONValue(decoding: nested(limit)) }
    let error = #expect(throws: WireError.self) { try JSONValue(decoding: nested(limit + 1)) }
    #expect(error?.code == .tooDeep)
    #expect(throws: WireError.self) {
      try JSONValue(decoding: Array(String(repeating: "[{\"a\":", count: 100_000).utf8))
    }
  }

  @Test func theLastOfEqualNamesCountsAlsoAmongMany() throws {
    #expect(try parse(#"{"a":1,"b":2,"a":3}"#) == ["b": 2, "a": 3])
    let many = (0..<5_000).map { "\"k\($0 % 2_500)\":\($0)" }.joined(separator: ",")
    let object = try #require(try parse("{\(many)}").objectValue)
    #expect(object.count == 2_500)
    #expect(object["k0"] == 2_500)
  }

  @Test func objectsAreEqualInAnyOrderAndKeepTheirs() throws {
    let one = try parse(#"{"a":1,"b":{"c":null}}"#)
    let other = try parse(#"{"b":{"c":null},"a":1.0}"#)
    #expect(one == other)
    #expect(one.hashValue == other.hashValue)
    #expect(String(decoding: other.encoded(), as: UTF8.self) == #"{"b":{"c":null},"a":1}"#)
    #expect(one != ["a": 1, "b": ["d": nil]])
  }

  @Test func codableIsTheSameValue() throws {
    let value: JSONValue = ["a": [1, 2.5, nil, true, "x"], "b": ["c": [:]]]
    #expect(try JSONDecoder().decode(JSONValue.self, from: Data(value.encoded())) == value)
    #expect(try JSONValue(decoding: Array(JSONEncoder().encode(value))) == value)
  }
}
