// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

/// Frames that are no messages: each gives a typed error that tells where and which field, and
/// nothing of what stood there.
@Suite struct MalformedFrameTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var frame: String
    var code: WireError.Code
    var offset: Int
    var path = ""
    var testDescription: String { "\(code) in \(frame.prefix(60))" }

    init(_ frame: String, _ code: WireError.Code, at offset: Int, in path: String = "") {
      self.frame = frame
      self.code = code
      self.offset = offset
      self.path = path
    }
  }

  // What stands in the place of payloads and handles; it must be in no error.
  private static let secret = "S3CR3T"

  /// Mistakes of JSON itself.
  static let broken = [
    Case(#"{"serverContent":{"#, .unexpectedEnd, at: 18),
    Case(#"{"a":"S3CR3T"#, .unexpectedEnd, at: 12), Case("{", .unexpectedEnd, at: 1),
    Case("  \n", .unexpectedEnd, at: 3), Case(#"{"S3CR3T" 1}"#, .unexpectedByte, at: 10),
    Case(#"{"a":S3CR3T}"#, .unexpectedByte, at: 5), Case(#"{"a":tru}"#, .unexpectedByte, at: 8),
    Case(#"{"a":1,}"#, .unexpectedByte, at: 7), Case(#"{'S3CR3T':1}"#, .unexpectedByte, at: 1),
    Case(#"{"a":"\xS3CR3T"}"#, .invalidString, at: 7),
    Case("{\"a\":\"S3CR3T\u{1}\"}", .invalidString, at: 12),
    Case(#"{"a":"\u12S3CR3T"}"#, .invalidString, at: 10),
    Case(#"{"a":01}"#, .invalidNumber, at: 5), Case(#"{"a":1e999}"#, .invalidNumber, at: 5),
    Case(#"{"a":-}"#, .unexpectedByte, at: 6), Case(#"{"a":1.}"#, .unexpectedByte, at: 7),
    Case(#"{"a":1}S3CR3T"#, .trailingBytes, at: 7), Case(#"{}{}"#, .trailingBytes, at: 2),
    Case(#""S3CR3T""#, .notAnObject, at: 0), Case("[]", .notAnObject, at: 0),
    Case("17", .notAnObject, at: 0), Case("null", .notAnObject, at: 0),
    Case(String(repeating: "[", count: 200), .tooDeep, at: 100),
  ]

  /// Mistakes against the schema.
  static let wrong = [
    Case(#"{"serverContent":"S3CR3T"}"#, .typeMismatch, at: 17, in: "serverContent"),
    // Of two with the same name the last one counts, unless it is null.
    Case(
      #"{"server_content":"S3CR3T","serverContent":null}"#, .typeMismatch, at: 18,
      in: "serverContent"),
    Case(#"{"serverContent":1,"server_content":"S"}"#, .typeMismatch, at: 36, in: "serverContent"),
    Case(
      #"{"serverContent":{"turnComplete":"S3CR3T"}}"#, .typeMismatch, at: 33,
      in: "serverContent.turnComplete"),
    Case(
      #"{"server_content":{"model_turn":{"parts":[{},{"text":7}]}}}"#, .typeMismatch, at: 53,
      in: "serverContent.modelTurn.parts[1].text"),
    Case(
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"S3CR3T!"}}]}}}"#,
      .invalidBase64, at: 62, in: "serverContent.modelTurn.parts[0].inlineData.data"),
    Case(
      #"{"sessionResumptionUpdate":{"newHandle":["S3CR3T"]}}"#, .typeMismatch, at: 40,
      in: "sessionResumptionUpdate.newHandle"),
    Case(
      #"{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":"S3CR3T"}}"#, .typeMismatch,
      at: 61, in: "sessionResumptionUpdate.lastConsumedClientMessageIndex"),
    Case(
      #"{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":1.5}}"#, .outOfRange, at: 61,
      in: "sessionResumptionUpdate.lastConsumedClientMessageIndex"),
    Case(
      #"{"usageMetadata":{"totalTokenCount":1e30}}"#, .outOfRange, at: 36,
      in: "usageMetadata.totalTokenCount"),
    Case(
      #"{"toolCall":{"functionCalls":[{"name":"f"},"S3CR3T"]}}"#, .typeMismatch, at: 43,
      in: "toolCall.functionCalls[1]"),
    Case(
      #"{"toolCallCancellation":{"ids":"S3CR3T"}}"#, .typeMismatch, at: 31,
      in: "toolCallCancellation.ids"),
    Case(#"{"goAway":["S3CR3T"]}"#, .typeMismatch, at: 10, in: "goAway"),
    Case(#"{"setupComplete":true}"#, .typeMismatch, at: 17, in: "setupComplete"),
    Case(#"{"voiceActivity":{"type":{}}}"#, .typeMismatch, at: 25, in: "voiceActivity.type"),
  ]

  @Test(arguments: broken + wrong)
  func theErrorTellsPlaceAndFieldAndNothingElse(_ wanted: Case) throws {
    let bytes = Array(wanted.frame.utf8)
    let error = try #require(throws: WireError.self) { try ServerMessage(decoding: bytes) }
    #expect(error == WireError(wanted.code, offset: wanted.offset, path: wanted.path))
    var text = "\(error) \(String(reflecting: error))"
    dump(error, to: &text)
    #expect(!text.contains(Self.secret))
    // A byte order mark moves the place, and nothing else.
    let marked = [0xEF, 0xBB, 0xBF] + bytes
    let moved = #expect(throws: WireError.self) { try ServerMessage(decoding: marked) }
    #expect(moved?.code == wanted.code && moved?.path == wanted.path)
  }

  @Test func bytesThatAreNoUTF8AreRefusedWhereTheirStringBegins() {
    let bytes = Array(#"{"a":""#.utf8) + [0x41, 0xFF] + Array(#""}"#.utf8)
    let error = #expect(throws: WireError.self) { try ServerMessage(decoding: bytes) }
    #expect(error == WireError(.invalidUTF8, offset: 6))
  }

  struct Recorded: Sendable, CustomTestStringConvertible {
    var name: String
    var payload: [UInt8]
    var testDescription: String { name }
  }

  static let recorded: [Recorded] = {
    let entries = (try? FixtureCorpus.file("live/server_malformed_frames.json"))?.array ?? []
    return entries.compactMap { entry in
      guard let name = entry["case"]?.string, let hex = entry["payload_hex"]?.string else {
        return nil
      }
      return Recorded(name: name, payload: hexBytes(hex))
    }
  }()

  @Test func allAreRead() { #expect(Self.recorded.count == 5) }

  /// An empty frame and an array are "an empty message" to the SDK; here they are incidents like
  /// other garbage, since no service sends them and an error is counted where silence is not.
  private static let errors = [
    "not_json": WireError(.unexpectedByte, offset: 0),
    "empty_frame": WireError(.unexpectedEnd, offset: 0),
    "json_array": WireError(.notAnObject, offset: 0),
    "json_string": WireError(.notAnObject, offset: 0),
  ]

  @Test(arguments: recorded)
  func aRecordedMalformedFrameIsRefusedOrReadForAReason(_ frame: Recorded) throws {
    if frame.name == "utf8_bom" {
      #expect(try ServerMessage(decoding: frame.payload).setupComplete == SetupComplete())
    } else {
      let error = #expect(throws: WireError.self) { try ServerMessage(decoding: frame.payload) }
      #expect(error == Self.errors[frame.name])
      #expect(error?.description.contains("hello") == false)
    }
  }

  @Test func cutAnywhereAFrameIsRefusedWithAPlaceInside() throws {
    for fixture in FixtureCorpus.serverMessages {
      let bytes = try #require(fixture.content["raw"]).bytes
      for end in bytes.indices {
        let error = #expect(throws: WireError.self) {
          try ServerMessage(decoding: [UInt8](bytes[..<end]))
        }
        #expect(error?.code == .unexpectedEnd && error?.path == "")
        #expect((0...end).contains(error?.offset ?? -1))
      }
    }
  }

  private static func hexBytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
