// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker
@testable import LiveBrokerDemo

/// Lines that come whenever somebody types, or faster, in virtual time.
@Suite struct TypedSessionTests {
  /// What the model said: each turn with its words and its voice, as far as it came.
  private final class Ear: SessionListener.Output {
    struct Turn: Equatable {
      var words = ""
      var voice = 0
      var hasEnded = false
    }

    private let heard = Mutex<[Turn]>([Turn()])
    var turns: [Turn] { heard.withLock { $0.filter { $0 != Turn() } } }

    func said(_ text: String) { change { $0.words += text } }
    func spoke(_ pcm: [UInt8]) { change { $0.voice += pcm.count } }
    func turnEnded() {
      change { $0.hasEnded = true }
      heard.withLock { $0.append(Turn()) }
    }

    private func change(_ body: (inout Turn) -> Void) {
      heard.withLock { body(&$0[$0.count - 1]) }
    }
  }

  private static let answer = Ear.Turn(words: "You said: two", voice: 96_000, hasEnded: true)

  /// Types lines at times, and gives what was heard until the talk ended, and whether it counts as live.
  private func talk(
    _ lines: [(at: Duration, text: String)], isTyped: Bool,
    meanwhile: @escaping @Sendable (TestStand) async throws -> Void = { _ in }
  ) throws -> (turns: [Ear.Turn], isLive: Bool, took: Duration) {
    let stand = TestStand()
    let ear = Ear()
    let witness = SessionWitness(sessions: 1)
    let took = try stand.run { stand in
      let (input, typing) = AsyncStream<String>.makeStream()
      let configuration = stand.configuration {
        $0.setup.outputAudioTranscription = AudioTranscriptionConfig()
      }
      var style = ScriptedSession.Style()
      style.sendsRealtimeText = true
      let session = TypedSession(
        lines: input, waitsForAnswers: !isTyped, clock: stand.simulation.clock, end: nil,
        witness: witness, output: ear, style: style, stop: StopSwitch())
      let begin = stand.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await session.run(stand.broker, configuration) }
        group.addTask {
          for (at, text) in lines {
            try await stand.simulation.clock.sleep(until: begin.advanced(by: at))
            typing.yield(text)
          }
          typing.finish()
        }
        group.addTask { try await meanwhile(stand) }
        try await group.waitForAll()
      }
      return begin.duration(to: stand.now)
    }
    return (ear.turns, witness.account(0).answeredProbe, took)
  }

  @Test func theLastOfSeveralLinesIsAnsweredHoweverFastTheyCome() throws {
    for delay in stride(from: 0, through: 3_000, by: 15) {
      let lines = [
        (Duration.seconds(1), "one"), (.milliseconds(1_000 + delay), "two"),
      ]
      let (turns, isLive, _) = try talk(lines, isTyped: true)
      #expect(turns.last == Self.answer, "two came \(delay) ms after one")
      #expect(isLive)
    }
  }

  @Test func linesThatWereTypedAheadOfTheConnectionAreAnswered() throws {
    let (turns, isLive, _) = try talk(
      ["zero", "one", "two"].map { (.zero, $0) }, isTyped: true)
    #expect(turns.last == Self.answer && isLive)
  }

  @Test func theLinesOfAFileAreAnsweredOneByOne() throws {
    let (turns, isLive, took) = try talk(["one", "two"].map { (.zero, $0) }, isTyped: false)
    #expect(turns.map(\.words) == ["You said: one", "You said: two"])
    #expect(turns.last == Self.answer && isLive)
    #expect(took < .seconds(8), "nothing more was waited for")
  }

  @Test func anAnswerThatALossCutIsWaitedForAgain() throws {
    for delay in stride(from: 0, through: 3_600, by: 100) {
      let (turns, isLive, _) = try talk([(.seconds(1), "two")], isTyped: false) { stand in
        try await stand.sleep(.milliseconds(1_000 + delay))
        stand.inject(.drop)
      }
      #expect(turns.last == Self.answer && isLive, "dropped \(delay) ms after the line: \(turns)")
    }
  }
}
#endif
