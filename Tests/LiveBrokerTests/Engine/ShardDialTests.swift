// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker

/// Dials that never end by themselves; one that is given up is answered later, on its executor.
private final class EndlessTransport: CallbackTransport {
  struct Counts: Equatable {
    var begun = 0
    var answered = 0
  }

  private let counts = Mutex(Counts())
  var seen: Counts { counts.withLock { $0 } }

  func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay {
    counts.withLock { $0.begun += 1 }
    return Dial { [self] in
      request.executor.execute {
        self.counts.withLock { $0.answered += 1 }
        answer(.failure(TransportError(.cancelled, message: "given up")))
      }
    }
  }

  private final class Dial: DialUnderWay {
    private let giveUp: @Sendable () -> Void
    init(_ giveUp: @escaping @Sendable () -> Void) { self.giveUp = giveUp }
    func cancel() { giveUp() }
  }
}

/// Refuses inside the call that begins the dial, while the session is in the middle of something.
private final class HastyTransport: CallbackTransport {
  private let count = Atomic(0)
  var dials: Int { count.load(ordering: .relaxed) }

  func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay {
    count.add(1, ordering: .relaxed)
    answer(.failure(TransportError(.connectFailed, message: "nobody is there")))
    return Dial()
  }

  private final class Dial: DialUnderWay {
    func cancel() { Issue.record("a dial was given up after its answer") }
  }
}

private final class Tally: Sendable {
  let count = Atomic(0)
}

@Suite("Dials and visits of a shard")
struct ShardDialTests {
  @Test("A transport that can only dial in tasks serves all the same")
  func inTasks() throws {
    let stand = TestStand(seed: 31)
    let transport = TaskTransport(stand.network)
    let answers = try stand.run { stand in
      try await stand.runAnother(over: transport) { broker in
        let session = try await broker.openSession(stand.configuration())
        let first = try await session.ask("before")
        stand.network.dropEverything()
        try await stand.sleep(.seconds(5))
        return [first, try await session.ask("after")]
      }
    }
    #expect(answers.allSatisfy { !$0.isEmpty })
    #expect(stand.network.figures.dials == 2)
  }

  @Test("A run that ends gives up the dials under way, and returns when they have been answered")
  func endOfRun() throws {
    let stand = TestStand(seed: 32)
    let transport = EndlessTransport()
    try stand.run { stand in
      let broker = Broker(
        configuration: stand.brokerConfiguration, transport: transport,
        runtime: stand.simulation.makeRuntime())
      await withTaskGroup(of: Void.self) { openers in
        openers.addTask { _ = try? await broker.openSession(stand.configuration()) }
        await withTaskGroup(of: Void.self) { runs in
          runs.addTask { try? await broker.run() }
          try? await stand.sleep(.seconds(3))
          #expect(transport.seen == .init(begun: 1, answered: 0))
          runs.cancelAll()
        }
        #expect(transport.seen == .init(begun: 1, answered: 1))
      }
    }
    #expect(transport.seen == .init(begun: 1, answered: 1))
  }

  @Test("A dial that ends inside the call that began it is told afterwards, and tried again")
  func atOnce() throws {
    let stand = TestStand(seed: 33)
    let transport = HastyTransport()
    let error = try stand.run { stand in
      try await stand.runAnother(over: transport) { broker in
        do {
          _ = try await broker.openSession(stand.configuration())
          return nil as (any Error)?
        } catch {
          return error
        }
      }
    }
    #expect(error is BrokerError)
    #expect(transport.dials > 1)
  }

  @Test("Of visits within one another only the outermost ends in a turn")
  func nestedVisits() throws {
    let stand = TestStand(seed: 35, shards: 1)
    let seen = try stand.run { stand in
      try await stand.sleep(.seconds(1))
      let shard = stand.broker.shards[0]
      return await withUnsafeContinuation { continuation in
        shard.executor.execute {
          let handled = Tally()
          let outer = Shard.Entry.beginVisit(shard)
          let inner = Shard.Entry.beginVisit(shard)
          shard.mailbox.post(.inspect { _ in handled.count.add(1, ordering: .relaxed) })
          let within = handled.count.load(ordering: .relaxed)
          Shard.Entry.endVisit(shard)
          continuation.resume(
            returning: (outer, inner, within, handled.count.load(ordering: .relaxed)))
        }
      }
    }
    #expect(seen.0 && !seen.1)
    #expect(seen.2 == 0 && seen.3 == 1)
  }
}

@Suite("The book of dials under way")
struct DialsUnderWayTests {
  private final class Dial: DialUnderWay {
    private let count = Atomic(0)
    var cancels: Int { count.load(ordering: .relaxed) }
    func cancel() { count.add(1, ordering: .relaxed) }
  }

  private let dial = ShardDial(
    address: SessionAddress(slot: 0, tenant: 0), ticket: Ticket(shard: 0, slot: 0, serial: 1),
    generation: 1)

  @Test("Outside of a run nothing is begun")
  func closed() async {
    let dials = DialsUnderWay()
    #expect(dials.begin(dial) == nil)
    dials.open()
    #expect(dials.begin(dial) == 0)
    dials.end(0)
    await dials.close()
    #expect(dials.begin(dial) == nil)
  }

  @Test("What was answered before it was noted is forgotten; its place is used again")
  func answeredAtOnce() async {
    let dials = DialsUnderWay()
    let (early, late) = (Dial(), Dial())
    dials.open()
    #expect(dials.begin(dial) == 0)
    dials.end(0)
    dials.note(early, at: 0)
    #expect(dials.begin(dial) == 0)
    dials.note(late, at: 0)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await dials.close() }
      while late.cancels == 0 { await Task.yield() }
      dials.end(0)
    }
    #expect(early.cancels == 0)
    #expect(late.cancels == 1)
  }

  @Test("A dial that is noted after the run has ended is given up then")
  func notedLate() async {
    let dials = DialsUnderWay()
    let underWay = Dial()
    dials.open()
    #expect(dials.begin(dial) == 0)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await dials.close() }
      // Until the end is noted nothing new begins.
      while let place = dials.begin(dial) {
        dials.end(place)
        await Task.yield()
      }
      dials.note(underWay, at: 0)
      #expect(underWay.cancels == 1)
      dials.end(0)
    }
  }
}
