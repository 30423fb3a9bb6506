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
    if case .unknown = try checkRoundTrip(fixture) { Issue.record("a known kind was not known") }
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
