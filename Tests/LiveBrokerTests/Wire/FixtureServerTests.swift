// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct FixtureServerTests {
  /// Fields of the corpus that the SDK does not know; it drops them, and we keep them.
  private let unknownToSDK: Set<String> = [
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
      let actual = SchemaNormaliser(dropsAllZeros: true, ignored: unknownToSDK)
      #expect(try actual.normalise(PlainJSON(encoded)) == expected.normalise(parsed))
    } else {
      // Where the SDK fails, we keep the message instead of failing with it.
      #expect(fixture.content["sdk_error"] != nil)
      #expect(try SchemaNormaliser().normalise(PlainJSON(encoded)) == normalisedKeys(raw))
    }
  }

  private func normalisedKeys(_ json: PlainJSON) -> PlainJSON { SchemaNormaliser().normalise(json) }

  /// The SDK's shortcuts give nothing where it failed to read the message.
  private static let withShortcuts = FixtureCorpus.serverMessages.filter {
    $0.content["helpers"] != nil
  }

  @Test(arguments: withShortcuts)
  func theShortcutsGiveWhatTheSDKsShortcutsGive(_ fixture: Fixture) throws {
    let helpers = try #require(fixture.content["helpers"])
    let message = try ServerMessage(decoding: try #require(fixture.content["raw"]).bytes)
    let turn = message.serverContent?.modelTurn
    #expect(turn?.answerText == helpers["text"]?.string)
    #expect(
      turn?.mediaBytes
        == helpers["data_base64"]?.string.flatMap { text in
          Array(text.utf8).withUnsafeBytes { Base64.decode($0) }
        })
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
}
