// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// When remote clients' tokens end, to the second that matters.
@Suite struct ClientTokenTimesTests {
  private func code(_ body: () async throws -> Void) async -> MintError.Code? {
    do { try await body() } catch { return (error as? MintError)?.code }
    return nil
  }

  @Test func aTokenIsNeverShorterThanOrderedAndHoldsItsPlaceToItsEnd() throws {
    let stand = TestStand(broker: { $0.clientTokens.maximumOutstanding = 1 })
    try stand.run { stand in
      let clock = stand.simulation.clock
      try await stand.sleep(.seconds(1))
      // From the first answer on the service's clock is known to a second.
      stand.broker.releaseToken(try await stand.broker.vendToken())
      try await stand.sleep(.seconds(1))
      let before = clock.wallTime
      let token = try await stand.broker.vendToken(TokenOrder(lifetime: .after(.seconds(100))))
      #expect(before.duration(to: token.expireTime) >= .seconds(100))
      #expect(before.duration(to: token.expireTime) <= .seconds(102))
      let left = clock.wallTime.duration(to: token.expireTime)
      try await stand.sleep(left - .milliseconds(1))
      #expect(await code { _ = try await stand.broker.vendToken() } == .exhausted)
      try await stand.sleep(.seconds(3))
      #expect(await code { _ = try await stand.broker.vendToken() } == nil)
    }
  }

  @Test(arguments: [
    (Duration.seconds(7), "7"), (.milliseconds(7_001), "8"), (.milliseconds(1_500), "2"),
    (.nanoseconds(1), "1"), (.seconds(Int64.max), "9223372037"),
  ])
  func theServiceIsToldTheTimeOutInWholeSecondsRoundedUp(timeout: Duration, text: String) {
    let headers = MintOptions(timeout: timeout).requestHeaders
    #expect(headers == [MintOptions.Header(name: "X-Server-Timeout", value: text)])
    #expect(MintOptions().requestHeaders.isEmpty)
  }

  @Test func aWindowEndsWithItsToken() throws {
    try TestStand().run { stand in
      let token = try await stand.broker.vendToken(
        TokenOrder(lifetime: .after(.seconds(30)), newSessionWindow: .after(.seconds(50))))
      #expect(token.newSessionExpireTime == token.expireTime)
    }
  }

  @Test(arguments: 0..<16)
  func whoIsCancelledOnTheWayIntoTheLineDoesNotWait(steps: Int) throws {
    let stand = NotingMinter(delay: .seconds(5)).stand {
      $0.clientTokens.maximumConcurrentMints = 1
    }
    try stand.run { stand in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { _ = await code { _ = try await stand.broker.vendToken() } }
        try? await stand.sleep(.seconds(1))
        let ended = await withTaskGroup(of: MintError.Code?.self) { line in
          line.addTask { await code { _ = try await stand.broker.vendToken() } }
          // Each yield lets the caller come one step further before it is cancelled.
          for _ in 0..<steps { await Task.yield() }
          line.cancelAll()
          return await line.next() ?? nil
        }
        #expect(ended == .cancelled)
        #expect(stand.simulation.clock.now == .zero.advanced(by: .seconds(1)))
        group.cancelAll()
      }
    }
  }
}
