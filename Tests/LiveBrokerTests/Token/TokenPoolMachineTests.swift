// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

/// Whom a pool serves, and how many tokens it keeps for that.
@Suite struct TokenPoolMachineTests {
  // MARK: Serving

  @Test func tenThousandRequestsInOneInstantAreServedInOrderWithinTheLimit() {
    var pool = PoolScript()
    for number in 0..<10_000 { pool.request(number, within: .seconds(120)) }
    #expect(pool.snapshot.waiting == 10_000)
    #expect(pool.pending.count == 64)
    pool.run(for: .seconds(100))
    #expect(pool.deliveries.map(\.ticket.slot) == Array(0..<10_000))
    #expect(Set(pool.deliveries.compactMap { $0.token?.secret }).count == 10_000)
    #expect(pool.snapshot.peakConcurrentMints == 64)
    #expect(pool.snapshot.waiting == 0)
    #expect(pool.snapshot.served == 10_000)
    // 157 volleys of 64 at 0.3 s, and nothing in between.
    #expect(pool.deliveries.last?.at == second(1 + 157 * 0.3))
  }

  @Test func aTokenOf59SecondsIsNotGivenToADialOfThree() {
    var pool = PoolScript {
      $0.minimumReady = 1
      $0.margins.start = .seconds(3)
      $0.mintTimeout = .seconds(600)
    }
    pool.tell(.timePassed)
    pool.run(until: second(2))
    #expect(pool.snapshot.ready == 1)
    // Every refresh hangs, so that the first token is all there is.
    pool.answer = { _ in nil }
    pool.run(until: second(60))
    pool.request(1)
    #expect(pool.deliveries.isEmpty)
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/new-\($0.id)"))) }
    pool.run(for: .seconds(1))
    let token = pool.deliveries.first?.token
    #expect(token?.secret.reveal().hasPrefix("auth_tokens/new-") == true)
    #expect(token?.machine.canStart(at: pool.now, margin: TokenMargins()) == true)
    #expect(pool.snapshot.expiredUnused == 1)
  }

  @Test func aTokenThatArrivesTooLateForItsOwnWindowIsReplaced() {
    var pool = PoolScript { $0.mintTimeout = .seconds(600) }
    pool.latency = .seconds(56)
    pool.request(1, within: .seconds(300))
    pool.run(until: second(57))
    #expect(pool.deliveries.isEmpty)
    #expect(pool.snapshot.expiredUnused > 0)
    pool.latency = .seconds(1)
    pool.run(until: second(60))
    #expect(pool.deliveries.first?.token != nil)
  }

  @Test func aTokenWithThreeUsesServesThreeRequests() {
    var pool = PoolScript { $0.uses = 3 }
    for number in 0..<9 { pool.request(number) }
    pool.run(for: .milliseconds(300))
    let secrets = pool.deliveries.compactMap { $0.token?.secret.reveal() }
    #expect(secrets.count == 9)
    #expect(Set(secrets).count == 3)
    #expect(pool.mints.allSatisfy { $0.request.uses == 3 })
    // Each of the three holds one use of it, however many the token has.
    for var token in pool.deliveries.compactMap(\.token) {
      #expect(token.machine.handle(.sessionStarted, at: pool.now) == .stopStarting)
    }
  }

  @Test func aTokenWithoutLimitServesEverybodyWhileItsWindowIsOpen() {
    var pool = PoolScript { $0.uses = 0 }
    pool.request(0)
    pool.run(for: .milliseconds(300))
    for number in 1..<1_000 { pool.request(number) }
    #expect(Set(pool.deliveries.compactMap { $0.token?.secret }).count == 1)
    #expect(pool.deliveries.count == 1_000)
    #expect(pool.mints.count <= 2)
    #expect(pool.mints[0].request.uses == 0)
    pool.run(for: .seconds(60))
    pool.request(1_000)
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.last?.token?.secret != pool.deliveries.first?.token?.secret)
  }

  @Test func aResumeCostsAUseLikeANewSession() {
    var pool = PoolScript()
    pool.request(1, .resume)
    pool.request(2, .newSession)
    pool.run(for: .seconds(1))
    #expect(Set(pool.deliveries.compactMap { $0.token?.secret }).count == 2)
    for token in pool.deliveries.compactMap(\.token) {
      #expect(token.machine.canStart(at: pool.now, margin: TokenMargins()))
    }
    #expect(pool.snapshot.servedResumes == 1)
  }

  @Test func aTokenRefusedByTheServiceIsGivenToNobodyElse() {
    var pool = PoolScript { $0.uses = 0 }
    pool.request(1)
    pool.run(for: .seconds(1))
    let refused = pool.deliveries[0].token?.secret
    #expect(refused != nil)
    while let next = pool.deliveries.last?.token?.secret, next == refused {
      pool.tell(.tokenRefused(next))
      pool.request(pool.deliveries.count + 1)
      pool.run(for: .seconds(1))
    }
    #expect(pool.deliveries.last?.token != nil)
    #expect(pool.snapshot.discarded == 1)
  }

  // MARK: Ready tokens

  @Test(arguments: [0.05, 1, 10, 50])
  func underSteadyDemandNobodyWaitsOnceThePoolIsWarm(perSecond: Double) {
    var pool = PoolScript()
    // Warm is: ten seconds, or two requests if they are rarer than that.
    let warm = max(2, Int(perSecond * 10))
    var waitedWhenWarm = 0
    for number in 0..<(warm + 1_000) {
      pool.run(until: second(1 + Double(number) / perSecond))
      if number == warm { waitedWhenWarm = pool.snapshot.waited }
      pool.request(number)
    }
    #expect(pool.snapshot.waited == waitedWhenWarm)
    #expect(waitedWhenWarm > 0)
  }

  @Test func aPoolThatNobodyAsksMintsNothing() {
    var pool = PoolScript()
    pool.run(for: .seconds(86_400))
    #expect(pool.mints.isEmpty)
    #expect(pool.machine.nextDeadline(after: pool.now) == .never)
  }

  @Test func whenDemandEndsThePoolFallsAsleepAndCountsWhatItWasted() {
    var pool = PoolScript()
    for number in 0..<600 {
      pool.run(until: second(1 + Double(number) / 10))
      pool.request(number)
    }
    pool.run(for: .seconds(1_200))
    let minted = pool.mints.count
    #expect(pool.snapshot.ready == 0)
    #expect(pool.machine.nextDeadline(after: pool.now) == .never)
    #expect(pool.snapshot.expiredUnused == pool.snapshot.minted - 600)
    #expect((1...60).contains(pool.snapshot.expiredUnused))
    pool.run(for: .seconds(86_400))
    #expect(pool.mints.count == minted)
  }

  @Test func aLoneRequestWastesOneToken() {
    var pool = PoolScript()
    pool.request(1)
    pool.run(for: .seconds(600))
    #expect(pool.snapshot.minted == 2)
    #expect(pool.snapshot.expiredUnused == 1)
  }

  @Test func aReadyTokenIsReplacedBeforeItsWindowClosesAndThereIsAlwaysOne() {
    var pool = PoolScript { $0.minimumReady = 1 }
    pool.tell(.timePassed)
    pool.run(until: second(2))
    for step in 0..<3_000 {
      pool.run(until: second(2 + Double(step) / 5))
      #expect(pool.snapshot.ready >= 1)
    }
    #expect(pool.snapshot.peakConcurrentMints == 1)
  }

  @Test func tokensMintedTogetherAreNotRefreshedTogether() {
    var pool = PoolScript {
      $0.minimumReady = 64
      $0.maximumReady = 64
    }
    pool.tell(.timePassed)
    #expect(pool.mints.count == 64)
    pool.run(until: second(45))
    let refreshes = pool.mints.dropFirst(64).map(\.sentAt)
    #expect(refreshes.count == 64)
    #expect(Set(refreshes).count == 64)
    // Drawn from an eighth of the window: no second has much more than its share.
    for from in 30..<45 {
      let inThisSecond = refreshes.count {
        $0 >= second(Double(from)) && $0 < second(Double(from) + 1)
      }
      #expect(inThisSecond <= 20)
    }
  }

  // MARK: Waiting

  @Test func aRequestThatIsTakenBackIsNotAnswered() {
    var pool = PoolScript()
    pool.request(1)
    pool.request(2)
    pool.tell(.cancelled(PoolScript.ticket(1)))
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.map(\.ticket) == [PoolScript.ticket(2)])
  }

  @Test func aRequestIsRefusedAtItsDeadlineAndNotBefore() {
    var pool = PoolScript { $0.mintTimeout = .seconds(600) }
    pool.answer = { _ in nil }
    pool.request(1, within: .seconds(5))
    pool.request(2, within: .seconds(3))
    pool.run(until: second(10))
    #expect(pool.deliveries.map(\.ticket.slot) == [2, 1])
    #expect(pool.deliveries.map(\.at) == [second(4), second(6)])
    #expect(pool.deliveries.map(\.code) == [.timedOut, .timedOut])
    pool.request(3, within: .zero)
    #expect(pool.deliveries.last?.code == .timedOut)
  }

  @Test func theSameTicketTwiceIsOneRequest() {
    var pool = PoolScript()
    pool.request(1)
    pool.request(1)
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.count == 1)
  }

  @Test func whoeverComesToAFullLineIsRefusedAtOnce() {
    var pool = PoolScript { $0.maximumWaiting = 2 }
    for number in 1...3 { pool.request(number) }
    #expect(pool.deliveries.map(\.code) == [.overloaded])
    #expect(pool.deliveries.map(\.ticket.slot) == [3])
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.count == 3)
  }

  @Test func aPoolThatStopsTellsEverybodyWhoWaits() {
    var pool = PoolScript()
    pool.request(1)
    pool.tell(.stopped)
    #expect(pool.deliveries.map(\.code) == [.stopped])
    #expect(pool.snapshot.waiting == 0)
  }

  // MARK: Everything at random

  @Test(arguments: 0..<40) func everyRequestIsAnsweredExactlyOnceWhateverHappens(seed: Int) {
    var pool = Self.storm(UInt64(seed))
    #expect(pool.snapshot.waiting == 0)
    let answered = pool.deliveries.map(\.ticket.slot)
    #expect(Set(answered).count == answered.count)
    #expect(pool.snapshot.peakConcurrentMints <= 8)
    // No credential is in two hands: uses are one here.
    let secrets = pool.deliveries.compactMap { $0.token?.secret }
    #expect(Set(secrets).count == secrets.count)
    for delivery in pool.deliveries {
      guard let token = delivery.token else { continue }
      #expect(token.machine.canStart(at: delivery.at, margin: TokenMargins()))
    }
    let after = pool.snapshot
    #expect(after.served + after.refused == pool.deliveries.count)
    pool.run(for: .seconds(3_600))
    #expect(pool.machine.nextDeadline(after: pool.now) == .never)
  }

  @Test func oneSeedGivesOneTrace() {
    func trace(_ seed: UInt64) -> [String] {
      let pool = Self.storm(seed)
      return pool.deliveries.map { "\($0.ticket.slot) \($0.at.nanoseconds) \($0.code as Any)" }
        + pool.mints.map { "\($0.id) \($0.sentAt.nanoseconds)" }
    }
    #expect(trace(7) == trace(7))
    #expect(trace(7) != trace(8))
  }

  /// Requests, cancellations, failures and hangs at random, and a minute of quiet after.
  private static func storm(_ seed: UInt64) -> PoolScript {
    var pool = PoolScript(seed: seed) { $0.maximumConcurrentMints = 8 }
    var dice = SplitMix64(seed: seed &+ 1_000)
    pool.answer = { mint in
      switch (mint.id &* 2_654_435_761 &+ seed) % 16 {
      case 0, 1: .failure(.down)
      case 2: nil
      case 3 where mint.id % 64 == 3: .failure(.badKey)
      default: .success(MintedToken(name: Secret("auth_tokens/\(mint.id)")))
      }
    }
    for step in 0..<2_000 {
      switch dice.next() % 12 {
      case 0: pool.run(for: .nanoseconds(dice.nanoseconds(upTo: 2_000_000_000)))
      case 1: pool.tell(.cancelled(PoolScript.ticket(Int(dice.next() % 2_000))))
      case 3 where step % 200 == 3: pool.tell(.keyReplaced)
      case 4, 5, 6: pool.request(step, .resume, within: .seconds(Int64(dice.next() % 20)))
      default: pool.request(step, within: .seconds(Int64(dice.next() % 20)))
      }
    }
    pool.run(for: .seconds(60))
    return pool
  }
}
