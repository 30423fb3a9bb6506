// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization
import Testing

/// A service whose answers the test gives by hand.
final class HandMinter: TokenMinter {
  private struct State {
    var waiting: [Int: CheckedContinuation<MintedToken?, Never>] = [:]
    var asked = 0
    var cancelled = 0
    var isOpen = false
  }

  private let state = Mutex(State())
  private let prefix: String
  private let heedsCancellation: Bool

  init(prefix: String = "token", open: Bool = false, heedsCancellation: Bool = true) {
    self.prefix = prefix
    self.heedsCancellation = heedsCancellation
    state.withLock { $0.isOpen = open }
  }

  var asked: Int { state.withLock { $0.asked } }
  var waiting: Int { state.withLock { $0.waiting.count } }
  var cancelled: Int { state.withLock { $0.cancelled } }

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    let number = state.withLock { state in
      state.asked += 1
      return state.asked
    }
    let given = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let open = state.withLock { state in
          if !state.isOpen { state.waiting[number] = continuation }
          return state.isOpen
        }
        if open {
          continuation.resume(returning: token(number))
        } else if Task.isCancelled, heedsCancellation {
          self.answer(number, with: nil)
        }
      }
    } onCancel: {
      if heedsCancellation { self.answer(number, with: nil) }
    }
    guard let given else {
      state.withLock { $0.cancelled += 1 }
      throw MintError(.cancelled, message: "cancelled")
    }
    return given
  }

  /// Answers all that are waiting, and from now on at once.
  func open() {
    state.withLock { $0.isOpen = true }
    for number in state.withLock({ $0.waiting.keys.sorted() }) {
      answer(number, with: token(number))
    }
  }

  private func token(_ number: Int) -> MintedToken {
    MintedToken(name: Secret("auth_tokens/\(prefix)-\(number)"))
  }

  private func answer(_ number: Int, with token: MintedToken?) {
    state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: token)
  }
}

/// The actor around the decisions: mailbox, mints as child tasks, alarms.
@Suite struct TokenPoolTests {
  final class Deliveries: Sendable {
    let all = Mutex<[(ticket: Ticket, result: Result<VendedToken, TokenPoolError>)]>([])
    var slots: [UInt32] { all.withLock { $0.map(\.ticket.slot) } }
    var codes: [TokenPoolError.Code?] {
      all.withLock { deliveries in
        deliveries.map { if case .failure(let error) = $0.result { error.code } else { nil } }
      }
    }
    var secrets: [String] {
      all.withLock { $0.compactMap { try? $0.result.get().secret.reveal() } }
    }
  }

  let executor = StepExecutor()
  let deliveries = Deliveries()

  func pool(
    _ minter: HandMinter, _ configure: (inout TokenPoolConfiguration) -> Void = { _ in }
  ) -> TokenPool {
    var configuration = TokenPoolConfiguration()
    configure(&configuration)
    return TokenPool(
      configuration: configuration, minter: minter, clock: executor, executor: executor, seed: 1,
      deliver: { [deliveries] ticket, result in
        deliveries.all.withLock { $0.append((ticket, result)) }
      })
  }

  func run(_ pool: TokenPool) -> Task<Void, any Error> {
    let task = Task(executorPreference: executor) { try await pool.run() }
    executor.drain()
    return task
  }

  func request(_ number: Int, of pool: TokenPool, within seconds: Double = 60) {
    let deadline = executor.now.advanced(by: .seconds(seconds))
    pool.request(PoolScript.ticket(number), purpose: .newSession, by: deadline)
  }

  @Test func tenThousandRequestsNeverHaveMoreThanSixtyFourMintsUnderWay() {
    let minter = HandMinter()
    let pool = pool(minter)
    let run = run(pool)
    for number in 0..<10_000 { request(number, of: pool) }
    executor.drain()
    #expect(minter.waiting == 64)
    minter.open()
    executor.drain()
    #expect(deliveries.slots == Array(0..<10_000))
    #expect(Set(deliveries.secrets).count == 10_000)
    #expect(pool.snapshot().peakConcurrentMints == 64)
    run.cancel()
    executor.drain()
  }

  @Test func whatIsAskedBeforeTheRunIsServedWhenItBegins() {
    let pool = pool(HandMinter(open: true))
    request(1, of: pool)
    executor.drain()
    #expect(deliveries.slots.isEmpty)
    let run = run(pool)
    #expect(deliveries.slots == [1])
    run.cancel()
    executor.drain()
  }

  @Test func aMintThatHangsIsCancelledByTheAlarmAndAnotherIsBegun() {
    let minter = HandMinter()
    let pool = pool(minter) { $0.firstBackOff = .seconds(1) }
    let run = run(pool)
    request(1, of: pool)
    executor.drain()
    let hanging = minter.waiting
    executor.advance(to: second(10.9))
    #expect(minter.cancelled == 0)
    executor.advance(to: second(13))
    #expect(minter.cancelled == hanging)
    #expect(pool.snapshot().timeouts == hanging)
    #expect(minter.waiting == 1)
    minter.open()
    executor.drain()
    #expect(deliveries.slots == [1])
    run.cancel()
    executor.drain()
  }

  @Test func aMinterThatIgnoresCancellationCannotPileUpRequests() {
    let minter = HandMinter(heedsCancellation: false)
    let pool = pool(minter) {
      $0.maximumConcurrentMints = 3
      $0.firstBackOff = .zero
    }
    let run = run(pool)
    for number in 0..<10 { request(number, of: pool, within: 300) }
    executor.advance(to: second(200))
    #expect(minter.asked == 3)
    minter.open()
    executor.drain()
    #expect(deliveries.slots == Array(0..<10))
    run.cancel()
    executor.drain()
  }

  @Test func aRequestIsRefusedAtItsDeadlineThoughNothingElseHappens() {
    let pool = pool(HandMinter()) { $0.mintTimeout = .seconds(1_000) }
    let run = run(pool)
    request(1, of: pool, within: 5)
    executor.advance(to: second(5.9))
    #expect(deliveries.codes.isEmpty)
    executor.advance(to: second(6))
    #expect(deliveries.codes == [.timedOut])
    run.cancel()
    executor.drain()
  }

  @Test func alarmsAreNotPiledUp() {
    let pool = pool(HandMinter(open: true))
    let run = run(pool)
    for number in 0..<1_000 {
      request(number, of: pool)
      executor.drain()
    }
    #expect(executor.alarmCount <= 20)
    run.cancel()
    executor.drain()
  }

  @Test func theEndOfTheRunCancelsMintsAndTellsWhoWaits() async throws {
    let minter = HandMinter()
    let pool = pool(minter)
    let run = run(pool)
    request(1, of: pool)
    executor.drain()
    let underWay = minter.waiting
    run.cancel()
    executor.drain()
    #expect(deliveries.codes == [.stopped])
    #expect(minter.cancelled >= underWay)
    #expect(minter.waiting == 0)
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test func aPoolCanBeRunAgain() {
    let minter = HandMinter(open: true)
    let pool = pool(minter) { $0.minimumReady = 1 }
    let first = run(pool)
    request(1, of: pool)
    executor.drain()
    first.cancel()
    executor.drain()
    executor.advance(to: second(500))
    let again = run(pool)
    request(2, of: pool)
    executor.drain()
    #expect(deliveries.slots == [1, 2])
    #expect(pool.snapshot().expiredUnused > 0)
    again.cancel()
    executor.drain()
  }

  @Test func anotherKeyServesThoseWhoWait() {
    let old = HandMinter(prefix: "old")
    let pool = pool(old)
    let run = run(pool)
    request(1, of: pool)
    executor.drain()
    pool.replaceKey(HandMinter(prefix: "new", open: true))
    executor.drain()
    #expect(deliveries.secrets.count == 1)
    #expect(deliveries.secrets[0].hasPrefix("auth_tokens/new-"))
    #expect(old.cancelled == old.asked)
    run.cancel()
    executor.drain()
  }
}
