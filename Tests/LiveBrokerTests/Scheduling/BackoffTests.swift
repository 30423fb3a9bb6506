// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct BackoffTests {
  @Test(arguments: [
    (0, 250), (1, 250), (2, 500), (3, 1_000), (7, 16_000), (8, 30_000), (9, 30_000),
    (Int.max, 30_000),
  ])
  func theCeilingDoublesUpToTheCap(retry: Int, milliseconds: Int) {
    #expect(Backoff().ceiling(retry: retry) == .milliseconds(milliseconds))
  }

  @Test func aDelayFillsTheRangeFromZeroToItsCeiling() {
    let backoff = Backoff()
    #expect(backoff.delay(retry: 1, draw: 0) == .zero)
    #expect(backoff.delay(retry: 1, draw: 1 << 63) == .milliseconds(125))
    #expect(backoff.delay(retry: 1, draw: .max) < .milliseconds(250))
    #expect(backoff.delay(retry: 1, draw: .max) > .microseconds(249_999))
  }

  @Test func theFirstRetriesOfManySessionsAreSpreadEvenly() {
    var random = SplitMix64(seed: 3)
    var histogram = [Int](repeating: 0, count: 10)
    for _ in 0..<10_000 {
      let delay = Backoff().delay(retry: 1, draw: random.next())
      histogram[Int(delay.nanoseconds / 25_000_000)] += 1
    }
    for count in histogram { #expect((880...1_120).contains(count)) }
  }

  @Test func senselessSettingsGiveHarmlessDelays() {
    let backoff = Backoff(base: .seconds(-1), factor: -3, cap: .seconds(-5))
    #expect(backoff.delay(retry: 5, draw: .max) == .zero)
    #expect(
      Backoff(base: .seconds(1), factor: 0.1, cap: .seconds(9)).ceiling(retry: 4) == .seconds(1))
    #expect(
      Backoff(base: .seconds(1), factor: .infinity, cap: .seconds(9)).ceiling(retry: 4)
        == .seconds(9))
    #expect(
      Backoff(base: .zero, factor: .infinity, cap: .seconds(9)).ceiling(retry: 4) == .seconds(9))
  }
}

@Suite struct RetryBudgetTests {
  private static let start = EngineInstant(nanoseconds: 1_000_000_000)

  @Test func retriesAreCountedUntilTheOutageHasUsedItsShare() {
    var limits = RetryLimits()
    limits.perOutage = 3
    var budget = RetryBudget()
    #expect((0..<5).map { _ in budget.spend(within: limits) } == [1, 2, 3, nil, nil])
    #expect(budget.spentInLife == 3)
  }

  @Test func connectingAloneRestoresNothing() {
    let limits = RetryLimits()
    var budget = RetryBudget()
    _ = budget.spend(within: limits)
    budget.connected(at: Self.start)
    budget.disconnected(at: Self.start.advanced(by: .milliseconds(29_999)), within: limits)
    #expect(budget.spend(within: limits) == 2)
  }

  @Test func aStableConnectionEndsTheOutageButNotTheLife() {
    let limits = RetryLimits()
    var budget = RetryBudget()
    _ = budget.spend(within: limits)
    budget.connected(at: Self.start)
    budget.disconnected(at: Self.start.advanced(by: .seconds(30)), within: limits)
    #expect(budget.spend(within: limits) == 1)
    #expect(budget.spentInLife == 2)
  }

  @Test func aSecondEndOfTheSameConnectionRestoresNothing() {
    let limits = RetryLimits()
    var budget = RetryBudget()
    budget.connected(at: Self.start)
    budget.disconnected(at: Self.start, within: limits)
    _ = budget.spend(within: limits)
    budget.disconnected(at: Self.start.advanced(by: .seconds(3_600)), within: limits)
    #expect(budget.spend(within: limits) == 2)
  }

  @Test func theLifeOfASessionHasALimitOfItsOwn() {
    var limits = RetryLimits()
    limits.perLife = 2
    limits.stableAfter = .zero
    var budget = RetryBudget()
    var numbers: [Int?] = []
    for _ in 0..<3 {
      budget.connected(at: Self.start)
      budget.disconnected(at: Self.start, within: limits)
      numbers.append(budget.spend(within: limits))
    }
    #expect(numbers == [1, 1, nil])
  }

  @Test func aRefundGivesOneRetryBack() {
    let limits = RetryLimits()
    var budget = RetryBudget()
    budget.refund()
    _ = budget.spend(within: limits)
    budget.refund()
    #expect(budget == RetryBudget())
    #expect(MemoryLayout<RetryBudget>.size <= 16)
  }
}
