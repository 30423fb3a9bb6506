// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import LiveBroker

private struct Fault: Error, Equatable {
  var text = "fault"
}

private struct StoppedClock: EngineClock {
  var now: EngineInstant { EngineInstant(nanoseconds: 1_000_000_000) }
  var wallTime: WallTime { WallTime(nanosecondsSinceEpoch: 0) }
}

/// A child that says when it runs and ends when it is told how.
private final class Puppet: Sendable {
  let name: String
  private let current = Mutex<AsyncStream<Result<Void, Fault>>.Continuation?>(nil)
  private let log: AsyncStream<String>.Continuation

  init(_ name: String, _ log: AsyncStream<String>.Continuation) {
    self.name = name
    self.log = log
  }

  func child(_ kind: RestartKind) -> SupervisedChild {
    SupervisedChild(name, kind) { try await self.run() }
  }

  func fail() { current.withLock { $0 }?.yield(.failure(Fault())) }
  func finish() { current.withLock { $0 }?.yield(.success(())) }

  private func run() async throws {
    // Unbounded: one command ends it.
    let (commands, continuation) = AsyncStream<Result<Void, Fault>>.makeStream(
      bufferingPolicy: .unbounded)
    current.withLock { $0 = continuation }
    log.yield("+\(name)")
    for await command in commands {
      log.yield(command.isFailure ? "!\(name)" : ".\(name)")
      return try command.get()
    }
    log.yield("-\(name)")
  }
}

extension Result {
  fileprivate var isFailure: Bool {
    if case .failure = self { true } else { false }
  }
}

/// Three puppets under one supervisor, and what they said.
private struct Stage {
  let a: Puppet
  let b: Puppet
  let c: Puppet
  let supervisor: Supervisor
  private let log: AsyncStream<String>

  init(
    _ strategy: RestartStrategy, _ kind: RestartKind = .permanent, limits: RestartLimits = .init()
  ) {
    // Unbounded: a test says a dozen things.
    let (log, continuation) = AsyncStream<String>.makeStream(bufferingPolicy: .unbounded)
    self.log = log
    a = Puppet("a", continuation)
    b = Puppet("b", continuation)
    c = Puppet("c", continuation)
    supervisor = Supervisor(
      strategy: strategy, limits: limits, clock: StoppedClock(),
      children: [a, b, c].map { $0.child(kind) })
  }

  /// Runs the supervisor; `script` gets the words that were said, and the error comes back.
  func play(_ script: (Words) async -> Void) async
    -> SupervisionFailure?
  {
    await withTaskGroup(of: SupervisionFailure?.self) { group in
      group.addTask {
        do throws(SupervisionFailure) {
          try await supervisor.run()
          return nil
        } catch {
          return error
        }
      }
      let words = Words(log)
      await script(words)
      return await group.next() ?? nil
    }
  }
}

/// Reads what is said, some words at a time.
private actor Words {
  private var iterator: AsyncStream<String>.Iterator

  init(_ log: AsyncStream<String>) { iterator = log.makeAsyncIterator() }

  /// The next words in alphabetical order: children of one supervisor start concurrently.
  func next(_ count: Int) async -> [String] {
    var iterator = iterator
    var words: [String] = []
    while words.count < count, let word = await iterator.next(isolation: self) {
      words.append(word)
    }
    self.iterator = iterator
    return words.sorted()
  }
}

@Suite(.timeLimit(.minutes(1))) struct SupervisorTests {
  @Test func oneForOneRestartsOnlyTheChildThatFailed() async {
    let stage = Stage(.oneForOne)
    let failure = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.b.fail()
      #expect(await words.next(1) == ["!b"])
      #expect(await words.next(1) == ["+b"])
      stage.supervisor.stop()
      for word in ["-c", "-b", "-a"] { #expect(await words.next(1) == [word]) }
    }
    #expect(failure == nil)
    #expect(await stage.supervisor.restarts == 1)
  }

  @Test func oneForAllStopsTheOthersLastFirst() async {
    let stage = Stage(.oneForAll)
    let failure = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.b.fail()
      for word in ["!b", "-c", "-a"] { #expect(await words.next(1) == [word]) }
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.supervisor.stop()
    }
    #expect(failure == nil)
  }

  @Test func restForOneLeavesTheEarlierChildRunning() async {
    let stage = Stage(.restForOne)
    let failure = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.b.fail()
      for word in ["!b", "-c"] { #expect(await words.next(1) == [word]) }
      #expect(await words.next(2) == ["+b", "+c"])
      stage.supervisor.stop()
      for word in ["-c", "-b", "-a"] { #expect(await words.next(1) == [word]) }
    }
    #expect(failure == nil)
  }

  @Test func whenAllTransientChildrenHaveFinishedItReturns() async {
    let stage = Stage(.oneForOne, .transient)
    let failure = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      for puppet in [stage.a, stage.b, stage.c] { puppet.finish() }
      #expect(await words.next(3) == [".a", ".b", ".c"])
    }
    #expect(failure == nil)
  }

  @Test func tooManyRestartsStopTheOthersAndThrow() async {
    let stage = Stage(.oneForOne, limits: RestartLimits(maximum: 1, period: .seconds(1)))
    let failure = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.a.fail()
      for word in ["!a", "+a"] { #expect(await words.next(1) == [word]) }
      stage.a.fail()
      for word in ["!a", "-c", "-b"] { #expect(await words.next(1) == [word]) }
    }
    #expect(failure?.child == "a")
    #expect(failure?.cause as? Fault == Fault())
    #expect(failure?.description.contains("fault") == true)
  }

  @Test func anEscalatedFaultRestartsTheSupervisorBelowAnother() async {
    let stage = Stage(.oneForOne, limits: RestartLimits(maximum: 0))
    let parent = Supervisor(
      strategy: .oneForOne, clock: StoppedClock(),
      children: [SupervisedChild("lower", .permanent) { try await stage.supervisor.run() }])
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await parent.run() }
      await stage.listen { words in
        #expect(await words.next(3) == ["+a", "+b", "+c"])
        stage.c.fail()
        for word in ["!c", "-b", "-a"] { #expect(await words.next(1) == [word]) }
        #expect(await words.next(3) == ["+a", "+b", "+c"])
        parent.stop()
        #expect(await words.next(3) == ["-a", "-b", "-c"])
      }
    }
    #expect(await parent.restarts == 1)
  }

  @Test func cancellingTheRunCancelsAllChildrenAndReturns() async {
    let stage = Stage(.oneForAll)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await stage.supervisor.run() }
      await stage.listen { words in
        #expect(await words.next(3) == ["+a", "+b", "+c"])
        group.cancelAll()
        #expect(await words.next(3) == ["-a", "-b", "-c"])
      }
    }
    #expect(await stage.supervisor.restarts == 0)
  }

  @Test func anAddedChildStartsWhileTheOthersRun() async {
    let stage = Stage(.oneForOne)
    // Unbounded: two words.
    let (log, continuation) = AsyncStream<String>.makeStream(bufferingPolicy: .unbounded)
    let late = Puppet("late", continuation)
    _ = await stage.play { words in
      #expect(await words.next(3) == ["+a", "+b", "+c"])
      stage.supervisor.add(late.child(.permanent))
      var said = log.makeAsyncIterator()
      #expect(await said.next() == "+late")
      stage.supervisor.stop()
      #expect(await said.next() == "-late")
    }
  }

  @Test func stoppingBeforeTheRunEndsItAtOnce() async {
    let stage = Stage(.oneForOne)
    stage.supervisor.stop()
    let failure = await stage.play { _ in }
    #expect(failure == nil)
  }

  @Test func observersAreToldOfEveryStartAndEnd() async {
    let told = Mutex<[String]>([])
    let supervisor = Supervisor(
      strategy: .oneForOne, limits: RestartLimits(maximum: 1), clock: StoppedClock(),
      children: [SupervisedChild("x", .transient) { throw Fault() }],
      observe: { event in
        told.withLock {
          switch event {
          case .started(let child): $0.append("started \(child)")
          case .ended(let child, let error): $0.append("ended \(child) \(error != nil)")
          case .stopping(let child): $0.append("stopping \(child)")
          }
        }
      })
    await #expect(throws: SupervisionFailure.self) { try await supervisor.run() }
    #expect(told.withLock { $0 } == ["started x", "ended x true", "started x", "ended x true"])
  }
}

extension Stage {
  fileprivate func listen(_ script: (Words) async -> Void) async {
    let words = Words(log)
    await script(words)
  }
}
