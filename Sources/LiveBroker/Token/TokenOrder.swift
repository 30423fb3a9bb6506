// SPDX-License-Identifier: Apache-2.0

/// What a token for a remote client should allow; see ``Broker/vendToken(_:)``.
///
/// Each client may get another order: nothing is shared between the tokens of one broker but the
/// key that pays for them.
public struct TokenOrder: Sendable, Hashable {
  /// A time on the service's calendar, or how long from now.
  public struct End: Sendable, Hashable {
    enum Kind: Hashable, Sendable {
      case after(Duration)
      case at(WallTime)
    }
    let kind: Kind

    /// So long after the token was minted, by the service's clock.
    public static func after(_ duration: Duration) -> End { End(kind: .after(duration)) }
    /// At this moment of the service's calendar.
    public static func at(_ time: WallTime) -> End { End(kind: .at(time)) }
  }

  /// New sessions that it may begin; 0 means no limit. Resuming a session is documented not to count.
  public var uses: Int
  /// When its messages end; less than 20 h ahead. Nil leaves it to the service: 30 minutes.
  public var lifetime: End?
  /// When it stops beginning sessions; less than 20 h ahead. Nil leaves it to the service: 60 s.
  public var newSessionWindow: End?
  /// The setup that it pins, as far as ``lock`` says; nil pins no values.
  public var setup: Setup?
  /// How much it pins. Nil is ``TokenLock/everything`` if there is a setup, and nothing otherwise.
  public var lock: TokenLock?
  /// How much of the window must be left when the caller has the token. A token that took too long
  /// is not handed out.
  public var minimumWindow: Duration
  /// What the HTTP request that mints it has besides.
  public var options: MintOptions

  /// Makes an order; by default it is for what the service gives by default.
  public init(
    uses: Int = 1, lifetime: End? = nil, newSessionWindow: End? = nil, setup: Setup? = nil,
    lock: TokenLock? = nil, minimumWindow: Duration = .zero, options: MintOptions = MintOptions()
  ) {
    self.uses = uses
    self.lifetime = lifetime
    self.newSessionWindow = newSessionWindow
    self.setup = setup
    self.lock = lock
    self.minimumWindow = minimumWindow
    self.options = options
  }

  /// The lock that takes effect.
  var effectiveLock: TokenLock? { lock ?? (setup == nil ? nil : .everything) }

  /// The request for it.
  ///
  /// - Parameter now: The service's time as well as it is known.
  /// - Throws: ``MintError/Code/invalidRequest`` for what the service would refuse, and for what
  ///   cannot come out as ordered.
  func request(at now: WallTime) throws(MintError) -> TokenRequest {
    try options.validate()
    var constraints: TokenConstraints?
    if let lock = effectiveLock { constraints = try Self.constraints(setup, lock) }
    let request = TokenRequest(
      uses: uses == 1 ? nil : uses, expireTime: lifetime?.time(from: now),
      newSessionExpireTime: newSessionWindow?.time(from: now), constraints: constraints,
      options: options)
    try request.validate(at: now)
    // Some of the window is always over by the time a token arrives.
    guard minimumWindow.nanoseconds <= window(from: now).nanoseconds / 5 * 4 else {
      throw MintError(
        .invalidRequest, message: "minimumWindow is more than four fifths of the window")
    }
    return request
  }

  private static func constraints(
    _ setup: Setup?, _ lock: TokenLock
  ) throws(MintError) -> TokenConstraints {
    if let setup {
      guard setup.explicitVadSignal == nil else {
        throw MintError(.invalidRequest, message: "explicitVadSignal exists only on Vertex")
      }
      guard !setup.model.utf8.contains(where: "?&#".utf8.contains), !setup.model.contains("..")
      else { throw MintError(.invalidRequest, message: "the model's name is no resource name") }
      return try TokenConstraints(setup, lock: lock)
    }
    guard lock != .everything else {
      throw MintError(.invalidRequest, message: "a lock of everything needs a setup")
    }
    return TokenConstraints(setup: [], fieldMask: try lock.mask(for: .blank))
  }

  /// How long it will begin sessions.
  func window(from now: WallTime) -> Duration {
    min(
      newSessionWindow?.span(from: now) ?? TokenPoolConfiguration.serviceWindow, life(from: now))
  }

  /// How long it will live.
  func life(from now: WallTime) -> Duration {
    lifetime?.span(from: now) ?? TokenPoolConfiguration.serviceLifetime
  }

  /// Whether its times depend on what time it is.
  var isReckonedFromNow: Bool {
    lifetime?.isRelative == true || newSessionWindow?.isRelative == true
  }
}

extension TokenOrder.End {
  fileprivate func time(from now: WallTime) -> WallTime {
    switch kind {
    case .after(let duration): now.advanced(by: duration)
    case .at(let time): time
    }
  }

  fileprivate func span(from now: WallTime) -> Duration {
    switch kind {
    case .after(let duration): duration
    case .at(let time): now.duration(to: time)
    }
  }

  fileprivate var isRelative: Bool { if case .after = kind { true } else { false } }
}

/// How a broker mints tokens for remote clients.
public struct ClientTokenPolicy: Sendable {
  /// What mints them. Default nil: the minter of the sessions' own tokens, if they use tokens.
  public var minter: (any TokenMinter)?
  /// Tokens in the hands of remote clients at once, at most; the next order is refused. A place is
  /// taken until the token expires or is given back. Default 1,000.
  public var maximumOutstanding = 1_000
  /// Mint requests under way at once, at most; further orders wait for their turn. Default 32.
  public var maximumConcurrentMints = 32
  /// Orders that wait for their turn at once, at most; the next one is refused. Default 1,000.
  public var maximumWaiting = 1_000
  /// How long an order may take, waiting included, if it does not say so itself. Default 10 s.
  public var timeout: Duration = .seconds(10)

  /// The documented defaults.
  public init() {}
}
