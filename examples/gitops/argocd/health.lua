-- Health of a ModelMonitor, for Argo CD (Lua 5.1). It says whether the monitoring works; what the models do, and that a
-- budget is spent, is in the message and in `kubectl get modelmonitors`. Degraded ends a sync with waves at once, so that
-- what may still come by itself, pods or first readings, is Progressing.
local waits = {
  TargetsNotFound = true,
  NoReadableTargets = true,
  ReadingsPending = true,
}

local function say(status, message)
  return {status = status, message = message}
end

local function sentence(condition)
  if condition.message ~= nil and condition.message ~= "" then
    return condition.reason .. ": " .. condition.message
  end
  return condition.reason
end

local function verdicts(healthy, budget)
  local said = "models: " .. sentence(healthy)
  if budget ~= nil and budget.status == "False" then
    return said .. "; budget: " .. sentence(budget)
  end
  return said
end

local metadata = obj.metadata or {}
local status = obj.status or {}

if metadata.deletionTimestamp ~= nil then
  return say("Progressing", "being deleted")
end
if status.conditions == nil then
  return say("Progressing", "the operator has not looked yet")
end
if metadata.generation ~= nil and status.observedGeneration ~= metadata.generation then
  return say("Progressing", "the operator has not read the newest spec yet")
end

local found = {}
for _, condition in ipairs(status.conditions) do
  found[condition.type] = condition
end
local ready, stalled, reconciling, healthy = found.Ready, found.Stalled, found.Reconciling, found.Healthy

if stalled ~= nil and stalled.status == "True" then
  return say("Degraded", sentence(stalled))
end
if reconciling ~= nil and reconciling.status == "True" then
  return say("Progressing", sentence(reconciling))
end
if ready == nil or ready.status == "Unknown" then
  return say("Progressing", "Ready is not known yet")
end
if ready.status == "True" then
  if ready.reason == "Suspended" then
    return say("Suspended", sentence(ready))
  end
  if healthy ~= nil then
    return say("Healthy", verdicts(healthy, found.WithinBudget))
  end
  return say("Healthy", sentence(ready))
end
if waits[ready.reason] then
  return say("Progressing", sentence(ready))
end
return say("Degraded", sentence(ready))
