// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

/// The accounts of remote clients' orders, without a task.
@Suite struct ClientTokenLedgerTests {
  private func ledger(
    outstanding: Int = 10, mints: Int = 1, waiting: Int = 10
  ) -> ClientTokenLedger {
    var policy = ClientTokenPolicy()
    policy.maximumOutstanding = outstanding
    policy.maximumConcurrentMints = mints
    policy.maximumWaiting = waiting
    return ClientTokenLedger(policy)
  }

  private func instant(_ seconds: Int) -> EngineInstant {
    EngineInstant.zero.advanced(by: .seconds(seconds))
  }

  @Test func ordersMintInTheOrderOfTheirComing() {
    var ledger = ledger()
    #expect(ledger.asked(1, at: .zero) == .mint)
    #expect(ledger.asked(2, at: .zero) == .wait)
    #expect(ledger.asked(3, at: .zero) == .wait)
    #expect(ledger.finished(1, leaseUntil: instant(60)) == 2)
    #expect(!ledger.isWaiting(2) && ledger.isWaiting(3))
    #expect(ledger.finished(2, leaseUntil: nil) == 3)
    #expect(ledger.finished(3, leaseUntil: nil) == nil)
    #expect(ledger.outstanding == 1)
  }

  @Test func whoLeavesMakesRoomWhetherItWaitedOrMinted() {
    var ledger = ledger()
    for order in 1...3 as ClosedRange<UInt64> { _ = ledger.asked(order, at: .zero) }
    #expect(ledger.left(2) == nil)
    #expect(ledger.left(1) == 3)
    #expect(ledger.left(1) == nil)
    #expect(ledger.asked(4, at: .zero) == .wait)
  }

  @Test func waitingAndMintingOrdersCountAgainstTheLimitOfTokens() {
    var ledger = ledger(outstanding: 3)
    #expect(ledger.asked(1, at: .zero) == .mint)
    #expect(ledger.finished(1, leaseUntil: instant(60)) == nil)
    #expect(ledger.asked(2, at: .zero) == .mint)
    #expect(ledger.asked(3, at: .zero) == .wait)
    guard case .refuse = ledger.asked(4, at: instant(59)) else {
      Issue.record("over the limit")
      return
    }
    #expect(ledger.asked(5, at: instant(60)) == .wait)
  }

  @Test func theLineIsBounded() {
    var ledger = ledger(waiting: 1)
    #expect(ledger.asked(1, at: .zero) == .mint)
    #expect(ledger.asked(2, at: .zero) == .wait)
    guard case .refuse = ledger.asked(3, at: .zero) else {
      Issue.record("over the limit")
      return
    }
    #expect(ledger.left(2) == nil)
    #expect(ledger.asked(4, at: .zero) == .wait)
  }

  @Test func aPlaceFallsFreeAtItsEndOrWhenItIsGivenBack() {
    var ledger = ledger(outstanding: 1)
    #expect(ledger.asked(1, at: .zero) == .mint)
    _ = ledger.finished(1, leaseUntil: instant(60))
    ledger.givenBack(7)
    #expect(ledger.asked(2, at: instant(1)) != .mint)
    ledger.givenBack(1)
    ledger.givenBack(1)
    #expect(ledger.asked(3, at: instant(1)) == .mint)
    // A lease that comes after its order left is nobody's.
    _ = ledger.left(3)
    #expect(ledger.finished(3, leaseUntil: instant(60)) == nil)
    #expect(ledger.outstanding == 0)
  }
}
