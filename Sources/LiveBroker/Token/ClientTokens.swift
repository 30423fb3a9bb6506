// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Mints tokens for remote clients, one request for each order, in the task of whoever asks.
///
/// Unlike the sessions' tokens these are not pooled: an order's times are exact, it may have headers
/// and a time-out of its own, and cancelling its task aborts its request; none of which goes
/// together with a token that was minted earlier for somebody else. What orders share is here: the
/// limits, and what is known of the service's clock.
final class ClientTokens: Sendable {
  private typealias Turn = CheckedContinuation<Result<Void, MintError>, Never>

  private struct State {
    var ledger: ClientTokenLedger
    var serviceClock = ServiceClock()
    var turns: [UInt64: Turn] = [:]
    /// Ends an order that is under way.
    var stops: [UInt64: AsyncStream<Void>.Continuation] = [:]
    var nextOrder: UInt64 = 1
    var isClosed = false
  }

  private let minter: Result<any TokenMinter, MintError>
  private let timeout: Duration
  private let clock: any EngineClock
  private let executor: any ShardExecutor
  private let state: Mutex<State>

  init(_ configuration: BrokerConfiguration, _ runtime: BrokerRuntime) {
    minter = Self.minter(configuration)
    timeout = configuration.clientTokens.timeout
    clock = runtime.clock
    executor = runtime.controlExecutor
    state = Mutex(State(ledger: ClientTokenLedger(configuration.clientTokens)))
  }

  private static func minter(
    _ configuration: BrokerConfiguration
  ) -> Result<any TokenMinter, MintError> {
    if configuration.endpoint.service == .vertex { return .failure(.noTokensOnVertex) }
    if let minter = configuration.clientTokens.minter { return .success(minter) }
    if case .tokens(let minter, _) = configuration.credentials.kind { return .success(minter) }
    return .failure(
      MintError(
        .unsupported,
        message: "the broker has no minter: its sessions use a key, and clientTokens "
          + "names none"))
  }

  /// Tokens that are in the hands of remote clients.
  var outstanding: Int { state.withLock { $0.ledger.outstanding } }

  func vend(_ order: TokenOrder) async throws(MintError) -> EphemeralToken {
    let minter = try self.minter.get()
    if Task.isCancelled { throw Self.cancelled }
    // What is wrong with the order is said before it takes a place or waits.
    _ = try order.request(at: serviceTime(at: clock.now).time)
    let (stop, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let (id, answer) = try admit(signal)
    defer { state.withLock { $0.stops[id] = nil } }
    let limit = order.options.timeout ?? timeout
    executor.schedule(at: clock.now.advanced(by: limit)) { signal.finish() }
    return try await race(within: limit, stop) { () async throws(MintError) in
      do throws(MintError) {
        if answer == .wait { try await self.waitForTurn(id) }
        return try await self.mint(order, id, minter)
      } catch {
        self.leave(id)
        throw error
      }
    }
  }

  func release(_ token: EphemeralToken) {
    state.withLock { $0.ledger.givenBack(token.lease) }
  }

  /// Ends all orders, and refuses those that come.
  func close() {
    let stops = state.withLock { state in
      state.isClosed = true
      return state.stops
    }
    // In the order of their coming: a dictionary's own order must decide nothing.
    for order in stops.keys.sorted() { stops[order]?.finish() }
  }

  // MARK: Taking turns

  private func admit(
    _ stop: AsyncStream<Void>.Continuation
  ) throws(MintError) -> (UInt64, ClientTokenLedger.Answer) {
    let now = clock.now
    let (id, answer) = try state.withLock { state throws(MintError) in
      guard !state.isClosed else { throw Self.stopped }
      let id = state.nextOrder
      state.nextOrder += 1
      let answer = state.ledger.asked(id, at: now)
      if case .refuse(let reason) = answer { throw MintError(.exhausted, message: reason) }
      state.stops[id] = stop
      return (id, answer)
    }
    return (id, answer)
  }

  private func waitForTurn(_ id: UInt64) async throws(MintError) {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (turn: Turn) in
        // The turn may have come already: then the order does not wait any more.
        let isWaiting = state.withLock { state in
          guard state.ledger.isWaiting(id), !Task.isCancelled else { return false }
          state.turns[id] = turn
          return true
        }
        if !isWaiting { turn.resume(returning: .success(())) }
      }
    } onCancel: {
      let turn = state.withLock { $0.turns.removeValue(forKey: id) }
      turn?.resume(returning: .failure(Self.cancelled))
    }
    try result.get()
    if Task.isCancelled { throw Self.cancelled }
  }

  private func leave(_ id: UInt64) {
    let next = state.withLock { state in
      state.ledger.left(id).flatMap { state.turns.removeValue(forKey: $0) }
    }
    next?.resume(returning: .success(()))
  }

  // MARK: One order

  private func mint(
    _ order: TokenOrder, _ id: UInt64, _ minter: any TokenMinter
  ) async throws(MintError) -> EphemeralToken {
    while true {
      let sentAt = clock.now
      let asked = serviceTime(at: sentAt)
      let request = try order.request(at: asked.time)
      let minted = try await minter.mint(request)
      let receivedAt = clock.now
      let known = learn(minted.serverDate, sentAt, receivedAt)
      // Reckoned by this host's calendar, and the service's turns out to be another one: the token
      // would live longer or shorter than was ordered, so it is forgotten, and minted anew.
      if !asked.isKnown, order.isReckonedFromNow, let known, !known.contains(asked.time) {
        continue
      }
      guard sentAt.duration(to: receivedAt) <= order.window(from: asked.time) - order.minimumWindow
      else {
        throw MintError(
          .unavailable, message: "the mint took so long that too little of the window is left")
      }
      return finish(order, id, request, minted, sentAt: sentAt, receivedAt: receivedAt, asked.time)
    }
  }

  private func finish(
    _ order: TokenOrder, _ id: UInt64, _ request: TokenRequest, _ minted: MintedToken,
    sentAt: EngineInstant, receivedAt: EngineInstant, _ asked: WallTime
  ) -> EphemeralToken {
    let life = order.life(from: asked)
    let (next, created) = state.withLock { state in
      // Never shorter than the token: the service counts from when the request came.
      let leaseUntil = receivedAt.advanced(by: life).advanced(by: .seconds(1))
      let next = state.ledger.finished(id, leaseUntil: leaseUntil)
      return (
        next.flatMap { state.turns.removeValue(forKey: $0) },
        state.serviceClock.earliest(at: sentAt) ?? asked
      )
    }
    next?.resume(returning: .success(()))
    let expires = request.expireTime ?? created.advanced(by: life)
    let window = request.newSessionExpireTime ?? created.advanced(by: order.window(from: asked))
    return EphemeralToken(
      name: minted.name, uses: order.uses, createTime: created, expireTime: expires,
      newSessionExpireTime: min(window, expires), lock: order.effectiveLock, lease: id)
  }

  /// The service's time, or this host's calendar until it is known.
  private func serviceTime(at instant: EngineInstant) -> (time: WallTime, isKnown: Bool) {
    let known = state.withLock { $0.serviceClock.latest(at: instant) }
    return (known ?? clock.wallTime, known != nil)
  }

  /// Learns from an answer's date, and tells what time it was for the service at sending, give or
  /// take a second.
  private func learn(
    _ date: WallTime?, _ sentAt: EngineInstant, _ receivedAt: EngineInstant
  ) -> ClosedRange<WallTime>? {
    guard let date else { return nil }
    return state.withLock { state in
      state.serviceClock.learn(date, sentAt: sentAt, receivedAt: receivedAt)
      guard let earliest = state.serviceClock.earliest(at: sentAt),
        let latest = state.serviceClock.latest(at: sentAt)
      else { return nil }
      return earliest.advanced(by: .seconds(-1))...latest.advanced(by: .seconds(1))
    }
  }

  // MARK: Ends

  /// `body`, ended by its caller's cancellation, by the time limit or by the end of the broker.
  private func race(
    within limit: Duration, _ stop: AsyncStream<Void>,
    _ body: @escaping @Sendable () async throws(MintError) -> EphemeralToken
  ) async throws(MintError) -> EphemeralToken {
    let (outcome, wasStopped) = await withTaskGroup(of: Result<EphemeralToken, MintError>?.self) {
      group in
      group.addTask {
        do throws(MintError) { return .success(try await body()) } catch { return .failure(error) }
      }
      group.addTask {
        for await _ in stop {}
        return nil
      }
      var outcome: Result<EphemeralToken, MintError>?
      var wasStopped = false
      while let ended = await group.next() {
        if outcome == nil, ended == nil { wasStopped = true }
        outcome = ended ?? outcome
        group.cancelAll()
      }
      return (outcome, wasStopped)
    }
    if case .success(let token) = outcome { return token }
    if Task.isCancelled { throw Self.cancelled }
    if state.withLock({ $0.isClosed }) { throw Self.stopped }
    if wasStopped { throw MintError(.unreachable, message: "no token within \(limit)") }
    guard case .failure(let error) = outcome else { throw Self.cancelled }
    throw error
  }

  private static let cancelled = MintError(.cancelled, message: "the caller was cancelled")
  private static let stopped = MintError(.stopped, message: "the broker has stopped")
}
