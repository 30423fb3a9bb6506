// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// Sessions whose own tokens are locked.
@Suite struct LockedSessionTests {
  private func pinned() -> Setup {
    var setup = Setup(model: "models/gemini-live-test")
    setup.labels = ["session": "pinned"]
    setup.generationConfig = GenerationConfig(responseModalities: [.audio])
    return setup
  }

  /// A broker whose sessions' tokens pin what the lock says.
  private func stand(_ lock: TokenLock) throws -> TestStand {
    let constraints = try TokenConstraints(pinned(), lock: lock)
    return TestStand(broker: { configuration in
      guard case .tokens(let minter, var pool) = configuration.credentials.kind else { return }
      pool.constraints = constraints
      configuration.credentials = .ephemeralTokens(minter, pool)
    })
  }

  /// Talks for so long that several tokens and connections are needed.
  private func talk(_ stand: TestStand) throws -> (reports: [ReconnectReport], transcript: String) {
    try stand.run { stand in
      let asked = stand.configuration(label: "asked") {
        $0.setup.outputAudioTranscription = AudioTranscriptionConfig()
      }
      return try await stand.broker.withSession(asked) { session in
        let events = session.reconnects
        var transcript = ""
        for minute in 0..<45 {
          try await stand.sleep(.seconds(60))
          try await session.send(text: "minute \(minute)")
          for try await message in session.messages {
            transcript += message.serverContent?.outputTranscription?.text ?? ""
            if message.serverContent?.turnComplete == true { break }
          }
        }
        await session.close()
        var reports: [ReconnectReport] = []
        for await report in events { reports.append(report) }
        return (reports, transcript)
      }
    }
  }

  @Test(arguments: [TokenLock.everything, .fieldsOfSetup])
  func aSessionUnderALockIsResumedThroughConnectionsAndTokens(lock: TokenLock) throws {
    let stand = try stand(lock)
    let (reports, transcript) = try talk(stand)
    #expect(reports.count >= 4)
    #expect(reports.allSatisfy { $0.outcome == .resumed && $0.uncertain.isEmpty })
    #expect(reports.contains { $0.credentialRenewed })
    // One session on the service, under the token's label and not the connection's.
    #expect(stand.network.withService { $0.report("pinned").sessions.count } == 1)
    #expect(stand.network.withService { $0.report("asked").sessions.isEmpty })
    // Only a lock of everything takes away what the connection asks for beyond the token's setup.
    #expect(transcript.isEmpty == (lock == .everything))
  }

  @Test func withTheMissingMaskOfTheSDKsAHandleResumesNothing() throws {
    let setup = EncodedSetup(pinned()).constraintsJSON
    let stand = TestStand()
    try stand.run { stand in
      let minter = stand.network.minter(apiKey: Secret("key"))
      for (mask, sessions) in [("", 2), (try TokenLock.everything.mask(for: pinned()), 3)] {
        let token = try await minter.mint(
          TokenRequest(uses: 2, constraints: TokenConstraints(setup: setup, fieldMask: mask)))
        let first = RawSocket(stand)
        let ask = #"{"setup":{"model":"models/m","sessionResumption":"#
        try await first.open(token.name, ask + "{}}}")
        try await stand.sleep(.seconds(3))
        let handle = first.handle ?? "none"
        first.close()
        try await stand.sleep(.seconds(1))
        let second = RawSocket(stand)
        try await second.open(token.name, ask + #"{"handle":"\#(handle)"}}}"#)
        try await stand.sleep(.seconds(3))
        #expect(second.isSetUp)
        #expect(stand.network.withService { $0.report("pinned").sessions.count } == sessions)
        second.close()
      }
    }
  }

  @Test func aPoolThatCouldNotResumeIsRefusedAtTheStart() throws {
    var unmasked = TokenPoolConfiguration()
    unmasked.constraints = TokenConstraints(setup: Array("{}".utf8), fieldMask: "")
    var pinned = TokenPoolConfiguration()
    pinned.constraints = TokenConstraints(
      setup: Array("{}".utf8), fieldMask: "model,sessionResumption")
    var long = TokenPoolConfiguration()
    long.lifetime = .seconds(20 * 3_600)
    let network = TestStand().network
    for pool in [unmasked, pinned, long] {
      let minter = network.minter(apiKey: Secret("key"))
      let configuration = BrokerConfiguration(credentials: .ephemeralTokens(minter, pool))
      let error = #expect(throws: BrokerError.self) { try configuration.check() }
      #expect(error?.code == .invalidConfiguration)
    }
    #expect(throws: Never.self) {
      try BrokerConfiguration(credentials: .apiKey(Secret("k"))).check()
    }
  }
}
