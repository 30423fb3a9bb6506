// SPDX-License-Identifier: Apache-2.0

/// How a session began: what became of the handle that was stored under its name.
public enum SessionStart: String, Sendable, Hashable, CaseIterable {
  /// As a new conversation; nothing was stored under its name.
  case fresh
  /// From the stored handle.
  case resumed
  /// As a new conversation: the service did not take the stored handle, or it lapsed on the way.
  case storedHandleRefused
  /// As a new conversation: what was stored is too old, or of another model.
  case storedHandleUnusable
  /// As a new conversation: the store could not be read.
  case storeFailed
}
