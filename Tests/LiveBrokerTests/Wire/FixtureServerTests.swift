// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct FixtureServerTests {
  /// Fields of the corpus that neither the SDK nor this codec knows; we keep them, the SDK does not.
  private let unknownToBoth: Set<String> = [
    "speechState", "newPart", "somethingNew", "voiceActivityType",
  ]

  /// What the SDK made of the message; for counts of the answer the flavour that reads the spelling.
  private func expectation(_ fixture: Fixture) -> PlainJSON? {
    let raw = fixture.content["raw"]
    if raw?["usageMetadata"]?["candidatesTokenCount"] != nil {
      return fixture.content["vertex"]?["parsed"]
    }
    guard case .object(var parsed) = fixture.content["parsed"] else { return nil }
    // The SDK's object gives the field another name than the wire has.
    if case .object(var activity) = parsed["voiceActivity"] {
      activity["type"] = activity.removeValue(forKey: "voiceActivityType")
      parsed["voiceActivity"] = .object(activity)
    }
    return .object(parsed)
  }

  @Test(arguments: FixtureCorpus.serverMessages)
  func aServerMessageIsReadAsTheSDKReadsIt(_ fixture: Fixture) throws {
    let raw = try #require(fixture.content["raw"])
    let bytes = try raw.bytes
    let message = try ServerMessage(decoding: bytes)
    #expect(try bytes.withBytes(ServerMessage.decodeFully) == message)
    let encoded = message.encoded()
    #expect(try ServerMessage(decoding: encoded) == message)
    if let parsed = expectation(fixture) {
      let expected = SchemaNormaliser(dropsAllZeros: true)
      let actual = SchemaNormaliser(dropsAllZeros: true, ignored: unknownToBoth)
      #expect(try actual.normalise(PlainJSON(encoded)) == expected.normalise(parsed))
    } else {
      // Where the SDK fails, we keep the message instead of failing with it.
      #expect(fixture.content["sdk_error"] != nil)
      #expect(try SchemaNormaliser().normalise(PlainJSON(encoded)) == normalisedKeys(raw))
    }
  }

  private func normalisedKeys(_ json: PlainJSON) -> PlainJSON { SchemaNormaliser().normalise(json) }

  @Test(arguments: FixtureCorpus.serverMessages)
  func theShortcutsGiveWhatTheSDKsShortcutsGive(_ fixture: Fixture) throws {
    guard let helpers = fixture.content["helpers"] else { return }
    let message = try ServerMessage(decoding: try #require(fixture.content["raw"]).bytes)
    let turn = message.serverContent?.modelTurn
    #expect(turn?.answerText == helpers["text"]?.string)
    #expect(
      turn?.mediaBytes
        == helpers["data_base64"]?.string.flatMap { text in
          Array(text.utf8).withUnsafeBytes { Base64.decode($0) }
        })
  }

  @Test func malformedFramesAreRefusedWithoutTheirContent() throws {
    // An empty frame and an array are "an empty message" to the SDK; here they are incidents like
    // other garbage, since no service sends them and an error is counted where silence is not.
    let refused = ["not_json", "empty_frame", "json_array", "json_string"]
    for frame in try #require(try FixtureCorpus.file("live/server_malformed_frames.json").array) {
      let name = try #require(frame["case"]?.string)
      let payload = hexBytes(try #require(frame["payload_hex"]?.string))
      if refused.contains(name) {
        let error = #expect(throws: WireError.self) { try ServerMessage(decoding: payload) }
        #expect(error?.description.contains("hello") == false)
      } else {
        #expect(name == "utf8_bom")
        #expect(try ServerMessage(decoding: payload).setupComplete != nil)
      }
    }
  }

  @Test func everyFirstAndEveryListedMessageIsRead() throws {
    for entry in try #require(try FixtureCorpus.file("live/first_server_message.json").array) {
      let message = try ServerMessage(decoding: try #require(entry["raw"]).bytes)
      let isComplete = entry["setup_complete"] != .null
      #expect((message.setupComplete != nil) == isComplete)
      #expect(message.setupComplete?.sessionId == entry["session_id"]?.string)
    }
    for entry in try #require(try FixtureCorpus.file("live/receive_turn_boundaries.json").array) {
      for raw in try #require(entry["messages"]?.array) {
        #expect(try ServerMessage(decoding: raw.bytes).unknownFields.isEmpty)
      }
    }
  }

  private func hexBytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
