// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// Which questions wait for an answer, as far as that can be known: nothing in the protocol says which
/// question a turn answers, one turn may answer several, and an answer may be cut off by the next
/// question. So turns are counted, and where the count does not come out even, a while without a word
/// decides.
struct OpenQuestions: Sendable {
  /// How long nothing may be heard on a connection that is there, before nobody waits any longer.
  static let patience = Duration.seconds(60)
  /// After a whole turn: it may have answered everything.
  static let pauseBehindTurn = Duration.seconds(5)
  /// After a loss: what was asked before may be answered already, or asked again by the broker.
  static let pauseBehindLoss = Duration.seconds(10)

  private var asked = 0
  private var ended = 0
  private var isTurnUnderWay = false
  private var isConnected = true
  /// When the waiting is over if nothing more happens.
  private var patienceEnds = EngineInstant.zero

  /// Whether every question has been answered, as far as turns tell.
  private var isEven: Bool { ended >= asked }

  mutating func asked(at now: EngineInstant) {
    if isTurnUnderWay {
      // One that runs unasked has an end of its own, which answers nothing.
      ended = min(ended, asked - 1)
    } else if isQuiet(at: now) {
      ended = asked
    }
    asked += 1
    patienceEnds = now.advanced(by: Self.patience)
  }

  /// The model says something.
  mutating func heard(at now: EngineInstant) {
    isTurnUnderWay = true
    patienceEnds = now.advanced(by: Self.patience)
  }

  /// The service ended a turn: a whole one, or one that a question of ours interrupted.
  mutating func turnEnded(isWhole: Bool, at now: EngineInstant) {
    isTurnUnderWay = false
    ended += 1
    patienceEnds = now.advanced(by: isWhole ? Self.pauseBehindTurn : Self.patience)
  }

  /// A turn ended with its connection. It answered nothing.
  mutating func turnCut(at now: EngineInstant) {
    isTurnUnderWay = false
    patienceEnds = now.advanced(by: Self.pauseBehindLoss)
  }

  mutating func connectionChanged(isUp: Bool, at now: EngineInstant) {
    if isUp, !isConnected { patienceEnds = now.advanced(by: Self.pauseBehindLoss) }
    isConnected = isUp
  }

  /// Whether nobody need wait for an answer any more.
  func isQuiet(at now: EngineInstant) -> Bool {
    isEven || (isConnected && !isTurnUnderWay && now >= patienceEnds)
  }

  /// When to look again if nothing happens; nil if there is nothing to wait for. The end of a turn is
  /// waited for even if nobody asked for it.
  func nextLook(at now: EngineInstant) -> EngineInstant? {
    if isEven, !isTurnUnderWay { return nil }
    guard isConnected else { return now.advanced(by: Self.patience) }
    return now < patienceEnds ? patienceEnds : nil
  }
}

/// Tells one waiting task that every question is answered.
final class AnswerBell: Sendable {
  private let clock: any RunClock
  private let rings: AsyncStream<Void>
  private let ringer: AsyncStream<Void>.Continuation
  private let questions = Mutex(OpenQuestions())

  init(clock: any RunClock) {
    self.clock = clock
    // A ring says that there is something to look at; two say the same.
    (rings, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Whether nobody need wait for an answer any more.
  var isQuiet: Bool { questions.withLock { $0.isQuiet(at: clock.now) } }

  /// Something happened, now.
  func note(_ change: (inout OpenQuestions, EngineInstant) -> Void) {
    questions.withLock { change(&$0, clock.now) }
    ringer.yield()
  }

  /// Returns when every question is answered, or will not be; or when the task is cancelled.
  func wait() async {
    while !Task.isCancelled {
      guard let next = questions.withLock({ $0.nextLook(at: clock.now) }) else { return }
      await withTaskGroup(of: Void.self) { group in
        group.addTask { [clock, ringer] in
          do { try await clock.sleep(until: next) } catch { return }
          ringer.yield()
        }
        for await _ in rings { break }
        group.cancelAll()
      }
    }
  }
}
#endif
