// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import Synchronization
import Testing

@testable import LiveBroker

@Suite("The resolver's cache")
struct HostResolverTests {
  /// A resolver whose clock stands still and whose questions are answered by hand.
  private final class Stage: Sendable {
    private struct State {
      var now = EngineInstant(nanoseconds: 1_000_000_000_000)
      var questions: [@Sendable () -> Void] = []
      var answer: HostResolver.Answer = .failure(.init(message: "unset"))
    }
    private let state = Mutex(State())
    let told = Mutex<[HostResolver.Answer]>([])

    struct Clock: EngineClock {
      let stage: Stage
      var now: EngineInstant { stage.state.withLock { $0.now } }
      var wallTime: WallTime { WallTime(nanosecondsSinceEpoch: 0) }
    }

    func make(maxNames: Int = 64) -> HostResolver {
      var configuration = NIOTransportConfiguration.Resolver()
      configuration.maxNames = maxNames
      return HostResolver(
        configuration, clock: Clock(stage: self),
        lookup: { _ in self.state.withLock { $0.answer } },
        blocking: { work in self.state.withLock { $0.questions.append(work) } })
    }

    var open: Int { state.withLock { $0.questions.count } }

    func advance(_ duration: Duration) {
      state.withLock { $0.now = $0.now.advanced(by: duration) }
    }

    /// Answers every open question with these addresses, or with a failure.
    func answer(_ addresses: [String]?) {
      let questions = state.withLock { state in
        state.answer =
          addresses.map { .success($0.compactMap { try? SocketAddress(ipAddress: $0, port: 0) }) }
          ?? .failure(.init(message: "no such name"))
        defer { state.questions = [] }
        return state.questions
      }
      for question in questions { question() }
    }
  }

  private func ask(_ resolver: HostResolver, _ stage: Stage) -> [String]? {
    resolver.addresses(of: "h") { answer in stage.told.withLock { $0.append(answer) } }?
      .compactMap(\.ipAddress)
  }

  @Test("The first ask waits; whoever asks meanwhile shares its question")
  func firstAsk() {
    let stage = Stage()
    let resolver = stage.make()
    #expect(ask(resolver, stage) == nil)
    #expect(ask(resolver, stage) == nil)
    #expect(stage.open == 1)
    stage.answer(["1.1.1.1", "2.2.2.2"])
    #expect(stage.told.withLock { $0.count } == 2)
    #expect(ask(resolver, stage) == ["1.1.1.1", "2.2.2.2"])
    #expect(stage.open == 0)
  }

  @Test("An answer that is no longer young is used while one question refreshes it")
  func refresh() {
    let stage = Stage()
    let resolver = stage.make()
    _ = ask(resolver, stage)
    stage.answer(["1.1.1.1"])
    stage.advance(.seconds(31))
    #expect(ask(resolver, stage) == ["1.1.1.1"])
    #expect(ask(resolver, stage) == ["1.1.1.1"])
    #expect(stage.open == 1)
    stage.answer(["3.3.3.3"])
    #expect(ask(resolver, stage) == ["3.3.3.3"])
  }

  @Test("A failed refresh keeps the old answer for its time, and is not repeated at once")
  func failedRefresh() {
    let stage = Stage()
    let resolver = stage.make()
    _ = ask(resolver, stage)
    stage.answer(["1.1.1.1"])
    stage.advance(.seconds(31))
    _ = ask(resolver, stage)
    stage.answer(nil)
    #expect(ask(resolver, stage) == ["1.1.1.1"])
    #expect(stage.open == 0)
    stage.advance(.seconds(600))
    #expect(ask(resolver, stage) == nil)
  }

  @Test("A failed first ask is told to all, and the next ask tries again")
  func failedAsk() {
    let stage = Stage()
    let resolver = stage.make()
    _ = ask(resolver, stage)
    stage.answer(nil)
    #expect(stage.told.withLock { $0.allSatisfy { (try? $0.get()) == nil } })
    #expect(ask(resolver, stage) == nil)
    #expect(stage.open == 1)
  }

  @Test("The name asked for longest ago makes room for another, but none whose question is open")
  func room() {
    let stage = Stage()
    let resolver = stage.make(maxNames: 2)
    func ask(_ host: String) -> [String]? {
      stage.advance(.seconds(1))
      return resolver.addresses(of: host) { _ in }?.compactMap(\.ipAddress)
    }
    #expect(ask("a") == nil)
    #expect(ask("b") == nil)
    #expect(ask("c") == nil)
    stage.answer(["1.1.1.1"])
    // Three were kept while all were asked for; the next makes room by one.
    #expect(ask("d") == nil)
    #expect(ask("b") == ["1.1.1.1"])
    #expect(ask("c") == ["1.1.1.1"])
    #expect(ask("a") == nil)
  }

  @Test("The address that answered goes first, also after a refresh; distrust asks anew")
  func preference() throws {
    let stage = Stage()
    let resolver = stage.make()
    _ = ask(resolver, stage)
    stage.answer(["1.1.1.1", "2.2.2.2"])
    resolver.prefer(try SocketAddress(ipAddress: "2.2.2.2", port: 443), of: "h")
    #expect(ask(resolver, stage) == ["2.2.2.2", "1.1.1.1"])
    resolver.distrust("h")
    #expect(ask(resolver, stage) == ["2.2.2.2", "1.1.1.1"])
    #expect(stage.open == 1)
    stage.answer(["3.3.3.3", "2.2.2.2"])
    #expect(ask(resolver, stage) == ["2.2.2.2", "3.3.3.3"])
  }
}
#endif
