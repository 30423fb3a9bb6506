// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

/// What a pool does when mints fail, hang or are refused.
@Suite struct TokenPoolFailureTests {
  @Test(arguments: 1...20)
  func aRefreshThatFailsFiveTimesIsNoticedByNobody(seed: UInt64) {
    var pool = PoolScript(seed: seed) { $0.minimumReady = 1 }
    // The first mint works, the next five fail.
    pool.answer = {
      (2...6).contains($0.id)
        ? .failure(.down) : .success(MintedToken(name: Secret("auth_tokens/\($0.id)")))
    }
    pool.tell(.timePassed)
    pool.run(until: second(2))
    for step in 0..<600 {
      pool.run(until: second(2 + Double(step) / 10))
      #expect(pool.snapshot.ready >= 1)
    }
    #expect(pool.snapshot.failures == 5)
    // In the midst of the failures the old token is given out, and nobody waits.
    var asked = PoolScript(seed: seed) { $0.minimumReady = 1 }
    asked.answer = pool.answer
    asked.tell(.timePassed)
    while asked.snapshot.failures < 3 { asked.run(for: .milliseconds(50)) }
    asked.request(1)
    #expect(asked.deliveries.first?.token != nil)
  }

  @Test func aPauseIsDrawnFromABoundThatDoublesUpToItsLimit() {
    var pauses: [[Double]] = Array(repeating: [], count: 12)
    for seed in 0..<300 {
      var pool = PoolScript(seed: UInt64(seed))
      pool.latency = .zero
      pool.answer = { _ in .failure(.down) }
      pool.request(1, within: .seconds(100_000))
      while pool.mints.count < 16 { pool.run(for: .seconds(1)) }
      // The first volley has two: one for the request, one to be ready.
      let probes = pool.mints.dropFirst().map(\.sentAt)
      for (index, pair) in zip(probes, probes.dropFirst()).enumerated() where index < 12 {
        pauses[index].append(Double(pair.0.duration(to: pair.1).nanoseconds) / 1e9)
      }
    }
    for (index, drawn) in pauses.enumerated() {
      let bound = min(30, 0.25 * Double(1 << index))
      #expect(drawn.allSatisfy { $0 <= bound })
      // Drawn evenly: the mean is the middle, and both ends are met.
      let mean = drawn.reduce(0, +) / Double(drawn.count)
      #expect(abs(mean - bound / 2) < bound / 10)
      #expect(drawn.contains { $0 < bound / 10 })
      #expect(drawn.contains { $0 > bound * 9 / 10 })
    }
  }

  @Test func sixtyFourThatFailTogetherAreOneOutage() {
    var pool = PoolScript { $0.firstBackOff = .seconds(1) }
    pool.answer = { _ in .failure(.down) }
    for number in 0..<100 { pool.request(number, within: .seconds(100)) }
    pool.run(for: .milliseconds(300))
    #expect(pool.snapshot.failures == 64)
    #expect(pool.machine.nextDeadline(after: pool.now) <= pool.now.advanced(by: .seconds(1)))
    // After the pause one probe goes ahead of the others; its success opens the gate.
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/\($0.id)"))) }
    pool.run(for: .seconds(1))
    while pool.mints.count == 64 { pool.run(for: .milliseconds(10)) }
    let probe = pool.mints[64].sentAt
    #expect(pool.mints.dropFirst(65).allSatisfy { $0.sentAt >= probe.advanced(by: pool.latency) })
    pool.run(for: .seconds(2))
    #expect(pool.deliveries.count { $0.token != nil } == 100)
  }

  @Test func thePauseThatTheServiceAsksForIsKeptWithinTheLimit() {
    for (asked, kept) in [(5.0, 5.0), (100_000, 30), (-5, 0)] {
      var pool = PoolScript()
      pool.latency = .zero
      pool.answer = { _ in
        .failure(MintError(.quotaExceeded, message: "slow down", retryAfter: .seconds(asked)))
      }
      pool.request(1, within: .seconds(1_000))
      pool.run(for: .zero)
      let volley = pool.mints.count
      while pool.mints.count == volley { pool.run(for: .milliseconds(10)) }
      let pause = second(1).duration(to: pool.mints[volley].sentAt)
      #expect(pause >= .seconds(kept) && pause <= .seconds(kept + 0.25))
    }
  }

  @Test(arguments: [
    (MintError.badKey, TokenPoolError.Code.keyRefused), (.badRequest, .requestRefused),
  ])
  func aRefusalIsToldToAllAtOnceAndToLaterOnesWithoutAsking(
    _ refusal: MintError, _ code: TokenPoolError.Code
  ) {
    var pool = PoolScript()
    pool.answer = { _ in .failure(refusal) }
    for number in 0..<500 { pool.request(number) }
    pool.run(for: .milliseconds(300))
    #expect(pool.deliveries.count == 500)
    #expect(pool.deliveries.allSatisfy { $0.code == code && $0.at == second(1.3) })
    let asked = pool.mints.count
    pool.run(until: second(61))
    pool.request(1_000)
    #expect(pool.deliveries.last?.code == code)
    #expect(pool.deliveries.last?.at == second(61))
    #expect(pool.mints.count == asked)
    if case .failure(let error)? = pool.deliveries.last?.result {
      #expect(error.cause?.code == refusal.code)
      #expect(!error.isRetryable)
    }
  }

  @Test func afterTheCoolDownOneProbeAsksForAll() {
    var pool = PoolScript()
    pool.answer = { _ in .failure(.badKey) }
    pool.request(0)
    // Long enough for the demand to be forgotten.
    pool.run(until: second(600))
    let asked = pool.mints.count
    for number in 1...10 { pool.request(number) }
    #expect(pool.mints.count == asked + 1)
    pool.run(for: .milliseconds(300))
    #expect(pool.deliveries.count == 11)
    #expect(pool.deliveries.last?.code == .keyRefused)
    #expect(pool.mints.count == asked + 1)
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/\($0.id)"))) }
    pool.run(for: .seconds(60))
    pool.request(20)
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.last?.token != nil)
  }

  @Test func aProbeThatMeetsAnOutageNoLongerSaysThatTheKeyIsRefused() {
    var pool = PoolScript()
    pool.answer = { _ in .failure(.badKey) }
    pool.request(0)
    pool.run(until: second(600))
    pool.answer = { _ in .failure(.down) }
    pool.request(1)
    pool.run(for: .seconds(5))
    #expect(pool.deliveries.count == 1)
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/\($0.id)"))) }
    pool.run(for: .seconds(40))
    #expect(pool.deliveries.last?.token != nil)
  }

  @Test func aMintOfTheSameVolleyDoesNotLiftARefusalByFailingOtherwise() {
    var pool = PoolScript()
    pool.answer = { $0.id == 1 ? .failure(.badKey) : .failure(.down) }
    for number in 0..<10 { pool.request(number) }
    pool.run(for: .seconds(2))
    #expect(pool.snapshot.failures > 1)
    pool.request(20)
    #expect(pool.deliveries.last?.ticket == PoolScript.ticket(20))
    #expect(pool.deliveries.last?.code == .keyRefused)
  }

  @Test func aRefusalInTheMidstOfAnOutageEndsTheWaitOfAll() {
    var pool = PoolScript()
    pool.answer = { $0.id < 4 ? .failure(.down) : .failure(.badKey) }
    for number in 0..<3 { pool.request(number) }
    pool.run(for: .seconds(20))
    #expect(pool.deliveries.map(\.code) == [.keyRefused, .keyRefused, .keyRefused])
  }

  @Test func anotherKeyIsUsedAtOnceAndNothingOfTheOldOneIsKept() {
    var pool = PoolScript { $0.minimumReady = 2 }
    pool.tell(.timePassed)
    pool.run(until: second(2))
    pool.answer = { _ in nil }
    pool.request(1)
    let hanging = pool.pending.map(\.id)
    #expect(hanging.count == 1)
    pool.tell(.keyReplaced)
    #expect(pool.abandoned == hanging)
    #expect(pool.snapshot.discarded == 1)
    // What still comes of the old key is thrown away.
    pool.request(2)
    pool.tell(.minted(id: hanging[0], MintedToken(name: Secret("auth_tokens/old"))))
    #expect(pool.deliveries.count == 1)
    #expect(pool.snapshot.discarded == 2)
    pool.pending.removeAll { hanging.contains($0.id) }
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/new-\($0.id)"))) }
    pool.run(for: .seconds(1))
    let secret = pool.deliveries.last?.token?.secret.reveal()
    #expect(secret?.hasPrefix("auth_tokens/new-") == true)
  }

  @Test func aRefusedKeyThatIsReplacedNeedsNoCoolDown() {
    var pool = PoolScript()
    pool.answer = { _ in .failure(.badKey) }
    pool.request(1)
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.last?.code == .keyRefused)
    pool.tell(.keyReplaced)
    pool.answer = { .success(MintedToken(name: Secret("auth_tokens/\($0.id)"))) }
    pool.request(2)
    pool.run(for: .seconds(1))
    #expect(pool.deliveries.last?.token != nil)
  }

  @Test func aMintThatHangsIsAbandonedAndKeepsItsPlaceUntilItEnds() {
    var pool = PoolScript {
      $0.maximumConcurrentMints = 1
      $0.firstBackOff = .zero
    }
    pool.answer = { _ in nil }
    pool.request(1, within: .seconds(100))
    pool.run(until: second(10.9))
    #expect(pool.abandoned.isEmpty)
    pool.run(until: second(50))
    #expect(pool.abandoned == [1])
    #expect(pool.mints.count == 1)
    #expect(pool.snapshot.timeouts == 1)
    pool.tell(.mintFailed(id: 1, MintError(.cancelled, message: "cancelled")))
    #expect(pool.mints.count == 2)
    #expect(pool.snapshot.failures == 1)
  }

  @Test func aTokenThatComesAfterItsTimeOutIsStillUsed() {
    var pool = PoolScript()
    pool.answer = { _ in nil }
    pool.request(1)
    pool.run(until: second(12))
    pool.tell(.minted(id: 1, MintedToken(name: Secret("auth_tokens/late"))))
    #expect(pool.deliveries.first?.token?.secret.reveal() == "auth_tokens/late")
    #expect(pool.snapshot.late == 1)
    // Its window counts from the sending, not from the arrival.
    #expect(pool.deliveries.first?.token?.machine.nextDeadline == second(61))
  }

  @Test func whoTimesOutIsToldTheLastFailure() {
    var pool = PoolScript()
    pool.answer = { _ in .failure(.down) }
    pool.request(1, within: .seconds(5))
    pool.run(for: .seconds(6))
    guard case .failure(let error)? = pool.deliveries.first?.result else {
      Issue.record("the request was served")
      return
    }
    #expect(error.code == .timedOut)
    #expect(error.cause?.httpStatus == 503)
    #expect(error.isRetryable)
  }

  @Test func anAnswerToAnUnknownMintChangesNothing() {
    var pool = PoolScript()
    pool.tell(.minted(id: 99, MintedToken(name: Secret("auth_tokens/x"))))
    pool.tell(.mintFailed(id: 99, .badKey))
    #expect(pool.snapshot == TokenPoolSnapshot())
  }
}
