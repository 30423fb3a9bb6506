// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Mints tokens ahead of need and hands them out; one per endpoint, project and set of constraints.
///
/// The actor is the hands of a ``TokenPoolMachine``: it lives on the control executor, and only its
/// ``run()`` loop touches the machine. Everybody else posts into a mailbox, from any thread. The
/// mailbox is bounded by its producers: a session has one request under way, mints are bounded by
/// the configuration. Remote clients' tokens are minted by ``ClientTokens``, one request each.
///
/// A mint that overruns its time is cancelled through a stop signal of its own. It keeps its place
/// among the concurrent mints until its task has really ended, so that a minter that ignores
/// cancellation cannot pile up requests; a token that still comes of it is used, and counted as late.
package actor TokenPool {
  /// Where a session's answer goes. Called on the control executor; must not block.
  package typealias Delivery = @Sendable (Ticket, Result<VendedToken, TokenPoolError>) -> Void

  enum Event: Sendable {
    case input(TokenPoolMachine.Input)
    case minterReplaced(any TokenMinter)
    case alarmRang(EngineInstant)
  }

  private let executor: any ShardExecutor
  private let mailbox = Mailbox<Event>()
  private let published: Mutex<TokenPoolSnapshot>
  private let deliver: Delivery
  let clock: any EngineClock
  let configuration: TokenPoolConfiguration

  private var machine: TokenPoolMachine
  private var minter: any TokenMinter
  private var chance: SplitMix64
  private var stops: [UInt64: AsyncStream<Void>.Continuation] = [:]
  private var batch: [Event] = []
  private var answers: [TokenPoolMachine.Answer] = []
  /// The earliest alarm that has been set and has not rung.
  private var alarm: EngineInstant = .never

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// - Parameters:
  ///   - executor: the control executor; its `schedule` is where the pool's alarms come from.
  ///   - seed: of the pool's own jitter.
  ///   - deliver: told the answer of every request that is not cancelled, exactly once.
  package init(
    configuration: TokenPoolConfiguration, minter: any TokenMinter, clock: any EngineClock,
    executor: any ShardExecutor, seed: UInt64, deliver: @escaping Delivery
  ) {
    self.configuration = configuration
    self.minter = minter
    self.clock = clock
    self.executor = executor
    self.deliver = deliver
    machine = TokenPoolMachine(configuration)
    chance = SplitMix64(seed: seed)
    published = Mutex(TokenPoolSnapshot())
  }

  // MARK: - From any thread

  /// Asks for a token; the answer is delivered under the ticket, by `deadline` at the latest.
  ///
  /// While no run is in progress requests wait in the mailbox, and time does not pass for them.
  package nonisolated func request(
    _ ticket: Ticket, purpose: TokenPoolMachine.Purpose, by deadline: EngineInstant
  ) {
    post(.requested(ticket, purpose, by: deadline))
  }

  /// Takes a request back. An answer may be on its way already; its ticket tells.
  package nonisolated func cancel(_ ticket: Ticket) { post(.cancelled(ticket)) }

  /// The service refused this token to a session as spent or expired: nobody else should get it.
  package nonisolated func tokenRefused(_ secret: Secret) { post(.tokenRefused(secret)) }

  /// Mints with another key from now on. Tokens and mints of the old one are dropped; requests that
  /// wait are served with the new one.
  package nonisolated func replaceKey(_ minter: any TokenMinter) {
    mailbox.post(.minterReplaced(minter))
  }

  /// What the pool was doing after its last turn.
  package nonisolated func snapshot() -> TokenPoolSnapshot { published.withLock { $0 } }

  nonisolated func post(_ input: TokenPoolMachine.Input) { mailbox.post(.input(input)) }

  // MARK: - The run

  /// Serves until the task is cancelled; then tells all who wait, and returns when every mint has
  /// ended. It may be run again afterwards, not twice at once: ready tokens outlive a run.
  package func run() async throws {
    alarm = .never
    let bell = mailbox.open()
    // Tokens of an earlier run may have gone stale meanwhile.
    mailbox.ring()
    await withDiscardingTaskGroup { group in
      for await _ in bell { turn(in: &group) }
      finish(in: &group)
      group.cancelAll()
    }
    try Task.checkCancellation()
  }

  private func turn(in group: inout DiscardingTaskGroup) {
    let now = clock.now
    mailbox.take(into: &batch)
    handle(.timePassed, at: now)
    for event in batch {
      switch event {
      case .input(let input):
        handle(input, at: now)
      case .minterReplaced(let minter):
        // What the old key was asked for goes to the old minter before it is replaced.
        perform(in: &group)
        self.minter = minter
        handle(.keyReplaced, at: now)
      case .alarmRang(let instant):
        if alarm == instant { alarm = .never }
      }
    }
    perform(in: &group)
    setAlarm(after: now)
    publish(at: now)
  }

  private func finish(in group: inout DiscardingTaskGroup) {
    let now = clock.now
    mailbox.take(into: &batch)
    for case .input(let input) in batch { handle(input, at: now) }
    // What this asked to mint is not begun: the run is over.
    answers.removeAll { if case .mint = $0 { true } else { false } }
    handle(.stopped, at: now)
    perform(in: &group)
    stops.removeAll()
    publish(at: now)
  }

  private func handle(_ input: TokenPoolMachine.Input, at now: EngineInstant) {
    switch input {
    case .minted(let id, _), .mintFailed(let id, _): stops[id] = nil
    default: break
    }
    machine.handle(input, at: now, chance: &chance, into: &answers)
  }

  private func perform(in group: inout DiscardingTaskGroup) {
    for answer in answers {
      switch answer {
      case .mint(let id, let request): mint(id, request, in: &group)
      case .abandonMint(let id): stops[id]?.finish()
      case .deliver(let ticket, let result): deliver(ticket, result)
      }
    }
    answers.removeAll(keepingCapacity: true)
  }

  private func mint(_ id: UInt64, _ request: TokenRequest, in group: inout DiscardingTaskGroup) {
    let (stop, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    stops[id] = signal
    group.addTask(name: "token-mint-\(id)") { [minter, mailbox] in
      mailbox.post(.input(await Self.mint(id, request, with: minter, until: stop)))
    }
  }

  /// One mint and its stop signal, whichever comes first; always waits for the mint to end.
  private static func mint(
    _ id: UInt64, _ request: TokenRequest, with minter: any TokenMinter,
    until stop: AsyncStream<Void>
  ) async -> TokenPoolMachine.Input {
    await withTaskGroup(of: TokenPoolMachine.Input?.self) { group in
      group.addTask {
        do throws(MintError) {
          return .minted(id: id, try await minter.mint(request))
        } catch {
          return .mintFailed(id: id, error)
        }
      }
      group.addTask {
        for await _ in stop {}
        return nil
      }
      var outcome: TokenPoolMachine.Input?
      while let ended = await group.next() {
        outcome = ended ?? outcome
        group.cancelAll()
      }
      return outcome
        ?? .mintFailed(id: id, MintError(.cancelled, message: "the mint gave no answer"))
    }
  }

  /// An alarm cannot be taken back, so one is set only if it is earlier than the one that is.
  private func setAlarm(after now: EngineInstant) {
    let next = machine.nextDeadline(after: now)
    guard next < alarm else { return }
    alarm = next
    executor.schedule(at: next) { [mailbox] in mailbox.post(.alarmRang(next)) }
  }

  private func publish(at now: EngineInstant) {
    let snapshot = machine.snapshot(at: now)
    published.withLock { $0 = snapshot }
  }
}
