// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct FixtureClientTests {
  /// The one client field of the corpus whose zero is left out.
  private let normaliser = SchemaNormaliser(zerosToDrop: ["turnComplete"])

  private func checkRoundTrip(_ fixture: Fixture) throws -> ClientMessage {
    let recorded = try #require(fixture.content["message"])
    let bytes = try recorded.bytes
    let message = try ClientMessage(decoding: bytes)
    let encoded = message.encoded()
    #expect(try ClientMessage(decoding: encoded) == message)
    #expect(
      try normaliser.normalise(PlainJSON(encoded)) == normaliser.normalise(recorded),
      "\(String(decoding: encoded, as: UTF8.self))")
    #expect(try bytes.withBytes(ClientMessage.decodeFully) == message)
    #expect(message.unknownFields == [])
    return message
  }

  @Test(arguments: FixtureCorpus.setups)
  func aRecordedSetupKeepsItsMeaning(_ fixture: Fixture) throws {
    guard case .setup(let setup) = try checkRoundTrip(fixture) else {
      Issue.record("not read as a setup")
      return
    }
    #expect(!setup.model.isEmpty)
    #expect(setup.unknownFields.isEmpty, "\(setup.unknownFields)")
    #expect(setup.generationConfig?.unknownFields.isEmpty != false)
  }

  @Test(arguments: FixtureCorpus.clientMessages)
  func aRecordedClientMessageKeepsItsMeaning(_ fixture: Fixture) throws {
    // A case that the SDK refused to send has no message.
    guard fixture.content["message"] != nil else {
      #expect(fixture.content["sdk_error"] != nil)
      return
    }
    if case .unknown = try checkRoundTrip(fixture) { Issue.record("a known kind was not known") }
  }

  @Test func theCorpusIsWhole() {
    let counts = [
      "setups": FixtureCorpus.setups.count, "client": FixtureCorpus.clientMessages.count,
      "server": FixtureCorpus.serverMessages.count,
      "token requests": FixtureCorpus.tokenRequests.count,
      "token responses": FixtureCorpus.tokenResponses.count,
      "connects": FixtureCorpus.connects.count,
    ]
    print("fixture cases:", counts.sorted { $0.key < $1.key })
    #expect(counts["setups"] == 43)
    #expect(counts["client"] == 37)
    #expect(counts["server"] == 71)
    #expect(counts["token requests"] == 44)
    #expect(counts["token responses"] == 14)
    #expect(counts["connects"] == 13)
  }

  @Test func base64OfEitherAlphabetAndSnakeCaseGiveOneValue() throws {
    let camel = try ClientMessage(
      decoding: Array(
        #"{"realtimeInput":{"audio":{"data":"+/+/AAECf4A=","mimeType":"audio/pcm"}}}"#.utf8))
    let snake = try ClientMessage(
      decoding: Array(
        #"{"realtime_input":{"audio":{"data":"-_-_AAECf4A","mime_type":"audio/pcm"}}}"#.utf8))
    #expect(camel == snake)
    let blob = Blob(mimeType: "audio/pcm", data: [0xFB, 0xFF, 0xBF, 0, 1, 2, 0x7F, 0x80])
    #expect(camel == .realtimeInput(RealtimeInput(audio: blob)))
  }
}
