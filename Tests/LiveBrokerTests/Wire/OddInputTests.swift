// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LiveBroker

/// What a hostile or careless peer, and a careless owner, may put into a message.
@Suite struct OddInputTests {
  private func server(_ text: String) throws -> ServerMessage {
    try ServerMessage(decoding: Array(text.utf8))
  }
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func anEnumValueThatCameAsANumberGoesOnAsANumber() throws {
    // Protobuf JSON spells a value that its writer does not know by name as its number.
    for frame in [
      #"{"serverContent":{"turnCompleteReason":77}}"#, #"{"voiceActivity":{"type":-1}}"#,
      #"{"serverContent":{"interactionStatus":0}}"#,
    ] {
      #expect(try text(server(frame).encoded()) == frame)
    }
    let named = #"{"serverContent":{"turnCompleteReason":"7UP"}}"#
    #expect(try text(server(named).encoded()) == named)
  }

  @Test func anEnumValueInLowerCaseIsTheKnownOne() throws {
    let frame = #"{"serverContent":{"interactionStatus":"in_progress"}}"#
    #expect(try server(frame).serverContent?.interactionStatus == .inProgress)
  }

  @Test func namesThatDifferOnlyInTheirUnicodeFormAreTwoNames() throws {
    // One letter in its composed and its decomposed form: equal to Swift, not to JSON.
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    let frame =
      #"{"toolCall":{"functionCalls":[{"name":"f","args":{"\#(composed)":1,"\#(decomposed)":2}}]}}"#
    let message = try server(frame)
    #expect(Array(message.encoded()) == Array(frame.utf8))
    let args = try #require(message.toolCall?.functionCalls.first?.args?.objectValue)
    #expect(args.count == 2)
    #expect(args[composed] == 1 && args[decomposed] == 2)
    var changed = args
    changed[decomposed] = nil
    #expect(changed.count == 1 && changed[composed] == 1)
    let reversed = JSONObject([(decomposed, .integer(2)), (composed, .integer(1))])
    #expect(args == reversed && args.hashValue == reversed.hashValue)
    #expect(args != JSONObject([(decomposed, .integer(1)), (composed, .integer(2))]))
    // Also where there are too many members to compare each with each.
    let many = (0..<40).map { "\"k\($0)\":0," }.joined()
    let wide = try JSONValue(
      decoding: Array(#"{\#(many)"\#(composed)":1,"\#(decomposed)":2}"#.utf8))
    #expect(wide.objectValue?.count == 42)
    #expect(wide[composed] == 1 && wide[decomposed] == 2)
  }

  @Test func aMessageThatItsOwnerNestedTooDeeplyIsNotWrittenAsNull() throws {
    var args: JSONValue = 1
    for _ in 0..<120 { args = ["a": args] }
    let call = FunctionCall(name: "f", args: args)
    #expect(throws: WireError.self) { try JSONEncoder().encode(call) }
    let message = ServerMessage(toolCall: ToolCall(functionCalls: [call]))
    #expect(throws: WireError.self) { try JSONEncoder().encode(message) }
  }

  @Test(
    arguments: [
      (#"{"seconds":null,"nanos":500000000}"#, Duration.milliseconds(500)),
      (#"{"seconds":"9","nanos":null}"#, .seconds(9)), ("{}", .zero),
      (#"{"seconds":"315576000000"}"#, .seconds(315_576_000_000)),
      (#""-315576000000s""#, .seconds(-315_576_000_000)),
    ])
  func aDurationsPartsMayBeNullAndAtTheirLimits(_ spelled: String, _ wanted: Duration) throws {
    #expect(try server(#"{"goAway":{"timeLeft":\#(spelled)}}"#).goAway?.timeLeft == wanted)
  }

  @Test(arguments: [
    #""315576000001s""#, #""315576000000.000000001s""#, #"{"seconds":"315576000001"}"#,
    #"{"seconds":"315576000000","nanos":1}"#, #""9223372036854775807s""#,
    #"{"seconds":"-9223372036854775808"}"#, #"{"nanos":1000000000}"#, #""1.0000000001s""#,
    #""+1s""#, #""--1s""#, #"" 1s""#, #""1 s""#, #""1S""#, #""0x1s""#, #""1e3s""#, #""s""#,
  ])
  func aDurationBeyondTheLimitsIsNone(_ spelled: String) throws {
    let message = try server(#"{"goAway":{"timeLeft":\#(spelled)}}"#)
    #expect(message.goAway != nil && message.goAway?.timeLeft == nil)
    #expect(message.goAway?.unknownFields["timeLeft"] != nil)
  }

  @Test func aCountThatCameUnderBothItsNamesIsTheOneOfItsOwn() throws {
    let frame = #"{"usageMetadata":{"candidatesTokenCount":6,"responseTokenCount":5}}"#
    #expect(try server(frame).usageMetadata?.responseTokenCount == 5)
    let other = #"{"usageMetadata":{"responseTokenCount":0,"candidatesTokenCount":6}}"#
    #expect(try server(other).usageMetadata?.responseTokenCount == 6)
  }

  @Test(arguments: ["go_away_", "_go_away", "go__away", "goAway_", "GoAway", "go_Away", "go-away"])
  func whatIsNeitherSpellingOfANameIsUnknown(_ name: String) throws {
    let message = try server(#"{"\#(name)":{}}"#)
    #expect(message.goAway == nil && message.unknownFields[name] != nil)
  }

  @Test func surrogatesWithoutPartnersAreReplacedOneByOne() throws {
    let frame = #"{"a":"\udc0e\udc0e\ud83d\ud83d\udc0e\ud83d"}"#
    #expect(
      try server(frame).unknownFields["a"] == .string("\u{FFFD}\u{FFFD}\u{FFFD}🐎\u{FFFD}"))
  }

  @Test func lessThanANanosecondIsNoTimeWhateverItsSign() {
    let least = Duration(secondsComponent: 0, attosecondsComponent: -1)
    #expect(WireDuration.text(least) == "0s")
    #expect(WireDuration.text(.zero - least) == "0s")
  }

  @Test(
    arguments: [
      ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
      ("2017-01-01T01:59:60.5+02:00", "2017-01-01T00:00:00.500Z"),
      ("2030-01-02T03:04:05-00:00", "2030-01-02T03:04:05Z"),
      ("2030-01-02T03:04:05+23:59", "2030-01-01T03:05:05Z"),
      ("2030-01-02T03:04:05-23:59", "2030-01-03T03:03:05Z"),
      ("2261-12-31T23:59:60-23:59", "2262-01-01T23:59:00Z"),
      ("1678-01-01T00:00:00+23:59", "1677-12-31T00:01:00Z"),
    ])
  func leapSecondsAndFarOffsetsAreReckoned(_ text: String, _ written: String) throws {
    #expect(try #require(WallTime(rfc3339: text)).rfc3339 == written)
  }

  @Test(arguments: [
    "2030-01-02T03:04:61Z", "2030-01-02T03:04:05+24:00", "2030-01-02T03:04:05+01:60",
    "2030-01-02T03:04:05+0100", "2030-01-02T03:04:05,5Z", "2030-01-02T03:04:05.Z",
    "2030-1-02T03:04:05Z", "2030-01-02", "2030-01-02T03:04Z", "-030-01-02T03:04:05Z",
    "2030-00-02T03:04:05Z", "2030-01-00T03:04:05Z", "2030-01-02T03:04:05ZZ",
    "２０３０-01-02T03:04:05Z", "2262-01-01T00:00:00Z", "1677-12-31T23:59:59Z",
  ])
  func whatIsNoTimestampIsRefused(_ text: String) { #expect(WallTime(rfc3339: text) == nil) }

  @Test(arguments: [false, true])
  func aHandleOfAnyLengthIsKeptWhole(isEscaped: Bool) throws {
    // Cut off it would resume nothing; an escape sends the frame to the full decoder.
    let handle = (isEscaped ? "\\u00e9" : "e") + String(repeating: "é", count: 40_000)
    let frame = #"{"sessionResumptionUpdate":{"newHandle":"\#(handle)","resumable":true}}"#
    let message = try server(frame)
    let secret = try #require(message.sessionResumptionUpdate?.newHandle)
    #expect(secret.reveal().unicodeScalars.count == 40_001)
    #expect(try ServerMessage(decoding: message.encoded()) == message)
  }

  @Test func everyFieldMayBeNullAndThenMeansAbsence() throws {
    for fixture in FixtureCorpus.serverMessages {
      let raw = try #require(fixture.content["raw"])
      guard raw != .object([:]) else { continue }
      let bytes = try raw.replacingLeaves(with: .null).bytes
      let message = try ServerMessage(decoding: bytes)
      #expect(try ServerMessage(decoding: message.encoded()) == message)
    }
    for fixture in FixtureCorpus.setups {
      let recorded = try #require(fixture.content["message"])
      let message = try ClientMessage(decoding: recorded.replacingLeaves(with: .null).bytes)
      #expect(try ClientMessage(decoding: message.encoded()) == message)
    }
  }

  @Test func aLeafOfAnotherTypeIsAnErrorWithAPathOrReadable() throws {
    let leaves: [PlainJSON] = [
      .bool(true), .number(1.5), .number(-1e300), .string("S3CR3T"), .string("17"),
      .array([.null]), .object(["S3CR3T": .null]),
    ]
    for fixture in FixtureCorpus.serverMessages where fixture.content["raw"] != .object([:]) {
      for leaf in leaves {
        let bytes = try #require(fixture.content["raw"]).replacingLeaves(with: leaf).bytes
        do throws(WireError) {
          let message = try ServerMessage(decoding: bytes)
          #expect(try ServerMessage(decoding: message.encoded()) == message)
        } catch {
          #expect(!error.path.isEmpty && error.offset != nil, "\(error)")
          #expect(!"\(error)".contains("S3CR3T"))
        }
      }
    }
  }
}

extension PlainJSON {
  /// The same shape with another value in the place of every one that holds no others, but in lists.
  fileprivate func replacingLeaves(with leaf: PlainJSON) -> PlainJSON {
    switch self {
    case .object(let members) where !members.isEmpty:
      .object(members.mapValues { $0.replacingLeaves(with: leaf) })
    case .array(let elements) where !elements.isEmpty:
      .array(
        elements.map { element in
          switch element {
          case .object, .array: element.replacingLeaves(with: leaf)
          default: element
          }
        })
    default: leaf
    }
  }
}
